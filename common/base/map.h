/* A hash map from byte strings to 64-bit values, for ids: open addressing with linear probing and
 * backward-shift deletion (Knuth, TAOCP 3, 6.4, algorithm R), hashed with XXH3 under a random seed, since
 * ids come from strangers. */
#ifndef WEIR_BASE_MAP_H
#define WEIR_BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/key.h"

/* Keys are copied. Values are the caller's: an index, a sum, a pointer cast to uint64_t. */
struct map_slot {
    struct key key;
    uint32_t hash; /* 0 = free slot */
    uint64_t value;
};

struct map {
    struct map_slot *slots; /* own */
    size_t n, cap;          /* cap is 0 or a power of two, n <= 3/4 cap */
    uint64_t seed;
};

void map_init(struct map *m);
void map_finish(struct map *m);
void map_clear(struct map *m); /* forgets all entries, keeps the table */

/* map_find returns the value of a key, or NULL; it lives until the next map_put or map_remove. */
uint64_t *map_find(const struct map *m, struct str key);

/* map_put returns the value of a key, entered as 0 if it was not there (*ret_new says so; may be NULL). */
uint64_t *map_put(struct map *m, struct str key, bool *ret_new);

/* map_remove forgets a key; false = it was not there. */
bool map_remove(struct map *m, struct str key);

/* map_next walks the entries in no particular order: for (i = 0; (s = map_next(m, &i));) ... 
 * The map must not change meanwhile. */
const struct map_slot *map_next(const struct map *m, size_t *cursor);

#endif
