#include "base/map.h"

#include <stdlib.h>

#include "base/mem.h"

void map_init(struct map *m)
{
    *m = (struct map){0};
    index_init(&m->index);
}

void map_clear(struct map *m)
{
    for (size_t i = 0; i < m->n; i++) key_finish(&m->entries[i].key);
    index_clear(&m->index);
    m->n = 0;
}

void map_finish(struct map *m)
{
    map_clear(m);
    index_finish(&m->index);
    free(m->entries);
    *m = (struct map){0};
}

static struct map_entry *locate(const struct map *m, struct str key, uint32_t hash)
{
    uint32_t number;
    for (size_t at = 0; index_probe(&m->index, hash, &at, &number);)
        if (str_eq(key_str(&m->entries[number].key), key)) return &m->entries[number];
    return NULL;
}

uint64_t *map_find(const struct map *m, struct str key)
{
    struct map_entry *found = locate(m, key, index_hash(&m->index, key));
    return found ? &found->value : NULL;
}

static struct map_entry *enter(struct map *m, struct str key, uint32_t hash)
{
    m->entries = mem_grow(m->entries, m->n, &m->cap, sizeof m->entries[0]);
    struct map_entry *entry = &m->entries[m->n];
    *entry = (struct map_entry){.key = key_copy(key), .hash = hash};
    index_put(&m->index, hash, (uint32_t)m->n++);
    return entry;
}

uint64_t *map_put(struct map *m, struct str key, bool *ret_new)
{
    uint32_t hash = index_hash(&m->index, key);
    struct map_entry *entry = locate(m, key, hash);
    if (ret_new) *ret_new = !entry;
    if (!entry) entry = enter(m, key, hash);
    return &entry->value;
}

/* The last entry takes the place of the one that goes. */
bool map_remove(struct map *m, struct str key)
{
    struct map_entry *gone = locate(m, key, index_hash(&m->index, key));
    if (!gone) return false;
    uint32_t place = (uint32_t)(gone - m->entries), last = (uint32_t)--m->n;
    index_remove(&m->index, gone->hash, place);
    key_finish(&gone->key);
    if (place == last) return true;
    index_renumber(&m->index, m->entries[last].hash, last, place);
    *gone = m->entries[last];
    return true;
}

const struct map_entry *map_next(const struct map *m, size_t *cursor)
{
    return *cursor < m->n ? &m->entries[(*cursor)++] : NULL;
}
