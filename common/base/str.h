/* A borrowed piece of bytes: pointer and length, not NUL-terminated, owned by somebody else. */
#ifndef WEIR_BASE_STR_H
#define WEIR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct str {
    const char *at; /* NULL = absent */
    size_t len;
};

/* printf("%.*s", STR_ARGS(s)) */
#define STR_ARGS(s) ((int)(s).len), ((s).at)

/* str_of borrows a C string; NULL gives the absent str. */
struct str str_of(const char *text);

bool str_eq(struct str a, struct str b);

/* str_cmp orders by bytes, a shorter prefix first. */
int str_cmp(struct str a, struct str b);

/* str_int64 reads a whole decimal integer: optional '-', digits, nothing else, within int64. */
MUST_CHECK bool str_int64(struct str s, int64_t *ret_value);

enum { STR_INT64_BYTES = 20 };

/* str_put_int64 writes an integer as str_int64 reads it, without a NUL, and returns where it ends. */
char *str_put_int64(char at[STR_INT64_BYTES], int64_t value);

/* str_cut takes the piece before the first separator off the front of *rest and returns it; *rest
 * becomes absent with the last piece. Loop: while (rest.at) piece = str_cut(&rest, ','); */
struct str str_cut(struct str *rest, char separator);

/* str_trim drops spaces and tabs from both ends. */
struct str str_trim(struct str s);

/* str_is_text is true for valid UTF-8 without control characters (C0, DEL, C1). */
bool str_is_text(struct str s);

#endif
