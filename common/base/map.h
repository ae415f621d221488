/* A hash map from byte strings to 64-bit values, for ids: entries stand in a row, an index finds them. */
#ifndef WEIR_BASE_MAP_H
#define WEIR_BASE_MAP_H

#include "base/index.h"
#include "base/key.h"

/* Keys are copied. Values are the caller's: an index, a sum, a pointer cast to uint64_t. */
struct map_entry {
    struct key key;
    uint32_t hash;
    uint64_t value;
};

struct map {
    struct map_entry *entries; /* own */
    size_t n, cap;
    struct index index;
};

void map_init(struct map *m);
void map_finish(struct map *m);
void map_clear(struct map *m); /* forgets all entries, keeps the memory */

/* map_find returns the value of a key, or NULL; it lives until the next map_put or map_remove. */
uint64_t *map_find(const struct map *m, struct str key);

/* map_put returns the value of a key, entered as 0 if it was not there (*ret_new says so; may be NULL). */
uint64_t *map_put(struct map *m, struct str key, bool *ret_new);

/* map_remove forgets a key; false = it was not there. */
bool map_remove(struct map *m, struct str key);

/* map_next walks the entries, in the order of their coming as long as none was removed:
 * for (i = 0; (entry = map_next(m, &i));) ...   The map must not change meanwhile. */
const struct map_entry *map_next(const struct map *m, size_t *cursor);

#endif
