/* The bytes of Weir's own binary records: varints, zigzag integers, length-prefixed strings, and an
 * XXH64 of everything before it at the end. Encodings as in Protocol Buffers ("Encoding", varints). */
#ifndef WEIR_BASE_WIRE_H
#define WEIR_BASE_WIRE_H

#include <stdint.h>

#include "base/buf.h"

void wire_put_uint(struct buf *b, uint64_t value);
void wire_put_int(struct buf *b, int64_t value);
void wire_put_str(struct buf *b, struct str s);

/* wire_seal appends the checksum of all that the buffer holds. */
void wire_seal(struct buf *b);

/* A reader over borrowed bytes. Any malformed value sets `bad` and reads as 0 or empty from then on:
 * decode all, then look at wire_done. */
struct wire {
    const unsigned char *at, *end;
    bool bad;
};

/* wire_open checks the checksum of sealed bytes; false = altered or cut. */
MUST_CHECK bool wire_open(struct wire *w, struct str sealed);

uint64_t wire_uint(struct wire *w);
int64_t wire_int(struct wire *w);
struct str wire_str(struct wire *w);

/* wire_count reads the length of a list whose elements take at least min_bytes each, and refuses one that
 * the remaining bytes cannot hold. */
uint64_t wire_count(struct wire *w, size_t min_bytes);

/* wire_done is true when everything was well formed and nothing is left. */
MUST_CHECK bool wire_done(const struct wire *w);

/* wire_hash is the XXH3 of bytes, for digests and fingerprints. */
uint64_t wire_hash(struct str bytes);

/* wire_xxh64 is the XXH64 of bytes (seed 0), for hashes that others compute too. */
uint64_t wire_xxh64(struct str bytes);

#endif
