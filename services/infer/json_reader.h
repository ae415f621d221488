/* Reads JSON (RFC 8259) in place, value by value, with no memory of its own. Once it has met a fault it finds
 * nothing more: whoever uses the whole checks `bad` once, and that nothing is left. */
#ifndef WEIR_INFER_JSON_READER_H
#define WEIR_INFER_JSON_READER_H

#include "base/attr.h"
#include "base/str.h"

struct json_reader {
    const char *at, *end;
    bool bad;
};

/* json_reader_peek skips blanks and returns the character that a value or mark begins with; 0 = none. */
char json_reader_peek(struct json_reader *r);

/* json_reader_take takes a mark, if it is next. */
bool json_reader_take(struct json_reader *r, char mark);

/* json_reader_more is true before each element of a list or object that was begun, whose close is taken at its end:
 * for (size_t i = 0; json_reader_more(r, i, ']'); i++) ... */
bool json_reader_more(struct json_reader *r, size_t i, char close);

/* json_reader_string gives what stands between the quotes; whether it has escapes, see json_reader_decode. */
MUST_CHECK bool json_reader_string(struct json_reader *r, struct str *ret, bool *ret_escaped);

/* json_reader_decode resolves escapes into `to`, which has room for raw.len bytes; false = one is bad, or
 * a lone surrogate. *ret_len bytes are UTF-8 as far as raw is. */
MUST_CHECK bool json_reader_decode(struct str raw, char *to, size_t *ret_len);

/* json_reader_number gives its text; integers have neither point nor exponent. */
MUST_CHECK bool json_reader_number(struct json_reader *r, struct str *ret, bool *ret_integer);

/* json_reader_word takes true, false or null. */
MUST_CHECK bool json_reader_word(struct json_reader *r, const char *word);

/* json_reader_skip passes over a value that nests at most depth_max levels. */
void json_reader_skip(struct json_reader *r, int depth_max);

#endif
