#include "base/str.h"

#include <assert.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

int str_cmp(struct str a, struct str b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.at, b.at, shared) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Looks at eight characters at once, then joins neighbours to numbers of two digits, of four, of eight (Lemire, "Quickly
 * parsing eight digits", 2018). False if one is no digit. */
static bool eight_digits(const char *at, uint64_t *ret_value)
{
    const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0), carry = UINT64_C(0x0606060606060606);
    uint64_t word;
    memcpy(&word, at, sizeof word);
    bool digits = ((word & high) | ((word + carry) & high) >> 4) == UINT64_C(0x3333333333333333);
    word = (word & ~high) * (10 << 8 | 1) >> 8;
    word = (word & UINT64_C(0x00ff00ff00ff00ff)) * (100 << 16 | 1) >> 16;
    *ret_value = (word & UINT64_C(0x0000ffff0000ffff)) * (UINT64_C(10000) << 32 | 1) >> 32;
    return digits;
}

bool str_int64(struct str s, int64_t *ret_value)
{
    enum { DIGITS_MAX = 19 }; /* of an int64, and they always fit in a uint64 */
    bool minus = s.len > 0 && s.at[0] == '-';
    const char *at = s.at + minus, *end = s.at + s.len;
    if (at == end) return false;
    while (end - at > 1 && *at == '0') at++;
    if (end - at > DIGITS_MAX) return false;
    uint64_t value = 0;
    for (uint64_t eight; end - at >= 8; at += 8) {
        if (!eight_digits(at, &eight)) return false;
        value = value * 100000000 + eight;
    }
    for (; at < end; at++) {
        unsigned digit = (unsigned char)*at - '0';
        if (digit > 9) return false;
        value = value * 10 + digit;
    }
    if (value > (uint64_t)INT64_MAX + minus) return false;
    *ret_value = (int64_t)(minus ? 0 - value : value);
    return true;
}

char *str_put_int64(char at[STR_INT64_BYTES], int64_t value)
{
    char digits[STR_INT64_BYTES], *const end = digits + sizeof digits, *from = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--from = (char)('0' + rest % 10);
    } while (rest /= 10);
    if (value < 0) *--from = '-';
    memcpy(at, from, (size_t)(end - from));
    return at + (end - from);
}

struct str str_cut(struct str *rest, char separator)
{
    const char *found = rest->len ? memchr(rest->at, separator, rest->len) : NULL;
    struct str piece = *rest;
    if (!found) {
        *rest = (struct str){0};
        return piece;
    }
    piece.len = (size_t)(found - rest->at);
    *rest = (struct str){found + 1, rest->len - piece.len - 1};
    return piece;
}

struct str str_trim(struct str s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t')) s.at++, s.len--;
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t')) s.len--;
    return s;
}

/* The length of the UTF-8 character at the front, 0 if it is malformed (overlong, surrogate, beyond
 * U+10FFFF or cut short) or a control character. Unicode 15, table 3-7. */
static size_t text_char(const unsigned char *at, size_t len)
{
    if (at[0] < 0x80) return at[0] >= 0x20 && at[0] != 0x7f;
    size_t n = at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (at[0] < 0xc2 || at[0] > 0xf4 || len < n) return 0;
    unsigned char low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : at[0] == 0xc2 ? 0xa0 : 0x80;
    unsigned char high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    return n;
}

bool str_is_text(struct str s)
{
    const unsigned char *at = (const unsigned char *)s.at;
    for (size_t i = 0; i < s.len;) {
        size_t n = text_char(at + i, s.len - i);
        if (!n) return false;
        i += n;
    }
    return true;
}
