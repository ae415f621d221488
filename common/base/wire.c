#include "base/wire.h"

#include <string.h>
#include <xxhash.h>

enum { CHECKSUM_BYTES = 8 };

/* Most values are of one byte, for which there is room. */
static void put_byte(struct buf *b, char byte)
{
    if (b->len < b->cap && !b->overflow)
        b->at[b->len++] = byte;
    else
        buf_add(b, &byte, 1);
}

void wire_put_uint(struct buf *b, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) put_byte(b, (char)(value | 0x80));
    put_byte(b, (char)value);
}

void wire_put_int(struct buf *b, int64_t value)
{
    wire_put_uint(b, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

void wire_put_str(struct buf *b, struct str s)
{
    wire_put_uint(b, s.len);
    buf_add_str(b, s);
}

void wire_seal(struct buf *b)
{
    XXH64_canonical_t sum;
    struct str all = buf_str(b);
    XXH64_canonicalFromHash(&sum, XXH64(all.at, all.len, 0));
    buf_add(b, sum.digest, sizeof sum.digest);
}

bool wire_open(struct wire *w, struct str sealed)
{
    *w = (struct wire){.bad = true};
    if (sealed.len < CHECKSUM_BYTES) return false;
    size_t len = sealed.len - CHECKSUM_BYTES;
    XXH64_canonical_t sum;
    memcpy(sum.digest, sealed.at + len, sizeof sum.digest);
    if (XXH64_hashFromCanonical(&sum) != XXH64(sealed.at, len, 0)) return false;
    const unsigned char *at = (const unsigned char *)sealed.at;
    *w = (struct wire){.at = at, .end = at + len};
    return true;
}

static uint64_t malformed(struct wire *w)
{
    w->bad = true;
    w->at = w->end;
    return 0;
}

uint64_t wire_uint(struct wire *w)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (w->at == w->end) return malformed(w);
        unsigned char byte = *w->at++;
        if (shift == 63 && byte > 1) return malformed(w);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    return malformed(w);
}

int64_t wire_int(struct wire *w)
{
    uint64_t value = wire_uint(w);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

struct str wire_str(struct wire *w)
{
    uint64_t len = wire_uint(w);
    if (len > (uint64_t)(w->end - w->at)) len = malformed(w);
    struct str s = {(const char *)w->at, (size_t)len};
    w->at += len;
    return s;
}

uint64_t wire_count(struct wire *w, size_t min_bytes)
{
    uint64_t n = wire_uint(w);
    return n > (uint64_t)(w->end - w->at) / min_bytes ? malformed(w) : n;
}

bool wire_done(const struct wire *w)
{
    return !w->bad && w->at == w->end;
}

uint64_t wire_hash(struct str bytes)
{
    return XXH3_64bits(bytes.at, bytes.len);
}

uint64_t wire_xxh64(struct str bytes)
{
    return XXH64(bytes.at, bytes.len, 0);
}
