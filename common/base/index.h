/* A hash index over things that stand elsewhere, by their numbers: open addressing with linear probing and backward-shift
 * deletion (Knuth, TAOCP 3, 6.4, algorithm R), 8 bytes a slot. Keys are hashed with XXH3 under a random seed, since
 * ids come from strangers. */
#ifndef WEIR_BASE_INDEX_H
#define WEIR_BASE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct index_slot {
    uint32_t hash, number; /* hash 0 = free slot */
};

struct index {
    struct index_slot *slots; /* own */
    size_t n, cap;            /* cap is 0 or a power of two, n <= 3/4 cap */
    uint64_t seed;
};

void index_init(struct index *ix);
void index_finish(struct index *ix);
void index_clear(struct index *ix); /* forgets all numbers, keeps the table */

uint32_t index_hash(const struct index *ix, struct str key); /* never 0 */

/* index_probe walks the numbers that were entered under a hash, with those of other keys that have it by chance:
 * for (at = 0; index_probe(ix, hash, &at, &number);) ... */
static inline bool index_probe(const struct index *ix, uint32_t hash, size_t *at,
                               uint32_t *ret_number)
{
    for (; ix->cap; ++*at) {
        const struct index_slot *s = &ix->slots[(hash + *at) & (ix->cap - 1)];
        if (!s->hash) return false;
        if (s->hash != hash) continue;
        *ret_number = s->number;
        ++*at;
        return true;
    }
    return false;
}

/* index_fetch brings the first slot of a hash near. */
static inline void index_fetch(const struct index *ix, uint32_t hash)
{
    if (ix->cap) __builtin_prefetch(&ix->slots[hash & (ix->cap - 1)]);
}

void index_put(struct index *ix, uint32_t hash, uint32_t number);

/* index_remove forgets a number, index_renumber gives it another; it must be there. */
void index_remove(struct index *ix, uint32_t hash, uint32_t number);
void index_renumber(struct index *ix, uint32_t hash, uint32_t number, uint32_t to);

#endif
