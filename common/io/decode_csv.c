/* A short row is looked at eight bytes at a time: arithmetic on a word marks the bytes that equal the separator, and those
 * that are not plain (Warren, Hacker's Delight, 6-1), and a multiplication gathers the marks into one bit a byte. So
 * there is no branch that depends on how long the fields are. */
#include <assert.h>
#include <string.h>

#include "io/decode_formats.h"

enum { WORD = 8, SHORT_BYTES = 64 };
#define EACH(byte) (UINT64_C(0x0101010101010101) * (unsigned char)(byte))
#define HIGH EACH(0x80)

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

/* Below, marks are the high bits of bytes. */
static uint64_t equal(uint64_t word, char byte)
{
    uint64_t differs = word ^ EACH(byte);
    return ~(((differs & ~HIGH) + ~HIGH) | differs) & HIGH;
}

/* Not of 0x20 to 0x7e. */
static uint64_t odd(uint64_t word)
{
    uint64_t low = word & ~HIGH, at_least_space = low + EACH(0x60), delete = low + EACH(1);
    return (~at_least_space | delete | word) & HIGH;
}

static uint64_t gather(uint64_t marks)
{
    return ((marks >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

struct scan {
    uint64_t separators; /* bit i: byte i is one */
    uint64_t odd;        /* not 0: some other byte is not plain */
};

static void look(struct scan *s, const char *at, size_t place, char separator)
{
    uint64_t word;
    memcpy(&word, at + place, sizeof word);
    uint64_t separators = equal(word, separator);
    s->separators |= gather(separators) << place;
    s->odd |= odd(word) & ~separators;
}

/* Of WORD to SHORT_BYTES bytes; the last word overlaps the one before it. */
static struct scan scan(struct str row, char separator)
{
    struct scan s = {0};
    size_t last = row.len - WORD;
    for (size_t place = 0;; place += WORD) {
        look(&s, row.at, place < last ? place : last, separator);
        if (place >= last) return s;
    }
}

static bool split_short(const struct columns *c, char separator, struct str row, struct str *fields,
                        bool *ret_plain)
{
    struct scan s = scan(row, separator);
    size_t begin = 0;
    for (int i = 0; i < c->n - 1; i++, s.separators &= s.separators - 1) {
        if (!s.separators) return false;
        size_t end = (size_t)__builtin_ctzll(s.separators);
        fields[i] = (struct str){row.at + begin, end - begin};
        begin = end + 1;
    }
    fields[c->n - 1] = (struct str){row.at + begin, row.len - begin};
    *ret_plain = !s.odd;
    return !s.separators;
}

bool decode_csv_split(const struct columns *c, char separator, struct str row, struct str *fields,
                      bool *ret_plain)
{
    if (row.len >= WORD && row.len <= SHORT_BYTES)
        return split_short(c, separator, row, fields, ret_plain);
    *ret_plain = false;
    const char *at = row.at, *end = row.at + row.len;
    for (int i = 0; i < c->n - 1; i++) {
        const char *found = memchr(at, separator, (size_t)(end - at));
        if (!found) return false;
        fields[i] = (struct str){at, (size_t)(found - at)};
        at = found + 1;
    }
    fields[c->n - 1] = (struct str){at, (size_t)(end - at)};
    return !memchr(at, separator, (size_t)(end - at));
}
