#include "infer/json_reader.h"

#include <string.h>

static bool fail(struct json_reader *r)
{
    r->bad = true;
    r->at = r->end;
    return false;
}

char json_reader_peek(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
    return r->at < r->end ? *r->at : '\0';
}

bool json_reader_take(struct json_reader *r, char mark)
{
    if (json_reader_peek(r) != mark || r->at == r->end) return false;
    r->at++;
    return true;
}

bool json_reader_more(struct json_reader *r, size_t i, char close)
{
    if (r->bad || json_reader_take(r, close)) return false;
    if (i == 0 || json_reader_take(r, ',')) return r->at < r->end || fail(r);
    return fail(r);
}

/* -- strings -- */

bool json_reader_string(struct json_reader *r, struct str *ret, bool *ret_escaped)
{
    *ret_escaped = false;
    if (!json_reader_take(r, '"')) return fail(r);
    const char *from = r->at;
    for (; r->at < r->end && *r->at != '"'; r->at++) {
        if ((unsigned char)*r->at < 0x20) return fail(r);
        if (*r->at != '\\') continue;
        *ret_escaped = true;
        if (++r->at == r->end) return fail(r);
    }
    if (r->at == r->end) return fail(r);
    *ret = (struct str){from, (size_t)(r->at - from)};
    r->at++;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes \uXXXX; UINT32_MAX = it is not there. */
static uint32_t take_unit(struct str *raw)
{
    uint32_t unit = 0;
    if (raw->len < 6 || raw->at[0] != '\\' || raw->at[1] != 'u') return UINT32_MAX;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit(raw->at[i]);
        if (digit < 0) return UINT32_MAX;
        unit = unit * 16 + (uint32_t)digit;
    }
    *raw = (struct str){raw->at + 6, raw->len - 6};
    return unit;
}

/* Two units stand for a character beyond U+FFFF. */
static uint32_t take_character(struct str *raw)
{
    uint32_t unit = take_unit(raw);
    if (unit < 0xD800 || unit > 0xDFFF) return unit;
    uint32_t low = unit < 0xDC00 ? take_unit(raw) : UINT32_MAX;
    if (low < 0xDC00 || low > 0xDFFF) return UINT32_MAX;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

static size_t put_utf8(uint32_t c, char *to)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1; c >>= 6) to[i] = (char)(0x80 | (c & 0x3F));
    to[0] = (char)(lead[n] | c);
    return n;
}

/* Resolves the escape that raw begins with; 0 = it is bad. */
static size_t take_escape(struct str *raw, char *to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (raw->len >= 2 && raw->at[1] == 'u') {
        uint32_t c = take_character(raw);
        return c == UINT32_MAX ? 0 : put_utf8(c, to);
    }
    const char *name = raw->len < 2 ? NULL : memchr(names, raw->at[1], sizeof names - 1);
    if (!name) return 0;
    *to = values[name - names];
    *raw = (struct str){raw->at + 2, raw->len - 2};
    return 1;
}

bool json_reader_decode(struct str raw, char *to, size_t *ret_len)
{
    size_t len = 0;
    while (raw.len) {
        size_t n = 1;
        if (*raw.at == '\\') {
            n = take_escape(&raw, to + len);
            if (!n) return false;
        } else {
            to[len] = *raw.at;
            raw = (struct str){raw.at + 1, raw.len - 1};
        }
        len += n;
    }
    *ret_len = len;
    return true;
}

/* -- other values -- */

static bool take_digits(struct json_reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return r->at > from;
}

static bool take_one_of(struct json_reader *r, char a, char b)
{
    bool there = r->at < r->end && (*r->at == a || *r->at == b);
    r->at += there;
    return there;
}

bool json_reader_number(struct json_reader *r, struct str *ret, bool *ret_integer)
{
    json_reader_peek(r);
    const char *from = r->at;
    take_one_of(r, '-', '-');
    bool good = take_one_of(r, '0', '0') || take_digits(r);
    const char *whole = r->at;
    if (good && take_one_of(r, '.', '.')) good = take_digits(r);
    if (good && take_one_of(r, 'e', 'E')) {
        take_one_of(r, '+', '-');
        good = take_digits(r);
    }
    if (!good) return fail(r);
    *ret_integer = r->at == whole;
    *ret = (struct str){from, (size_t)(r->at - from)};
    return true;
}

bool json_reader_word(struct json_reader *r, const char *word)
{
    size_t n = strlen(word);
    json_reader_peek(r);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) return fail(r);
    r->at += n;
    return true;
}

static void skip_members(struct json_reader *r, char close, int depth_max)
{
    struct str key;
    bool flag;
    if (depth_max == 0) fail(r);
    for (size_t i = 0; json_reader_more(r, i, close); i++) {
        if (close == '}' && (!json_reader_string(r, &key, &flag) || !json_reader_take(r, ':')))
            fail(r);
        json_reader_skip(r, depth_max - 1);
    }
}

void json_reader_skip(struct json_reader *r, int depth_max)
{
    struct str text;
    bool flag, good = true;
    switch (json_reader_peek(r)) {
    case '{':
    case '[': skip_members(r, *r->at++ == '{' ? '}' : ']', depth_max); return;
    case '"': good = json_reader_string(r, &text, &flag); break;
    case 't': good = json_reader_word(r, "true"); break;
    case 'f': good = json_reader_word(r, "false"); break;
    case 'n': good = json_reader_word(r, "null"); break;
    default: good = json_reader_number(r, &text, &flag); break;
    }
    if (!good) fail(r);
}
