#include "base/map.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };

void map_init(struct map *m)
{
    *m = (struct map){0};
    if (getrandom(&m->seed, sizeof m->seed, GRND_NONBLOCK) < 0) m->seed = 0; /* early boot only */
}

void map_clear(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++) free(m->slots[i].key);
    if (m->cap) memset(m->slots, 0, m->cap * sizeof m->slots[0]);
    m->n = 0;
}

void map_finish(struct map *m)
{
    map_clear(m);
    free(m->slots);
    *m = (struct map){0};
}

static uint32_t hash_of(const struct map *m, struct str key)
{
    return (uint32_t)XXH3_64bits_withSeed(key.at, key.len, m->seed);
}

/* The slot that holds the key, or the free one where it belongs. */
static struct map_slot *locate(const struct map *m, struct str key, uint32_t hash)
{
    size_t mask = m->cap - 1, i = hash & mask;
    for (;; i = (i + 1) & mask) {
        struct map_slot *s = &m->slots[i];
        if (!s->key) return s;
        if (s->hash == hash && s->len == key.len && memcmp(s->key, key.at, key.len) == 0) return s;
    }
}

static void grow(struct map *m)
{
    struct map_slot *old = m->slots;
    size_t old_cap = m->cap;
    m->cap = old_cap ? old_cap * 2 : FIRST_CAP;
    m->slots = mem_zero(m->cap, sizeof m->slots[0]);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].key) *locate(m, (struct str){old[i].key, old[i].len}, old[i].hash) = old[i];
    free(old);
}

uint64_t *map_find(const struct map *m, struct str key)
{
    if (!m->n) return NULL;
    struct map_slot *s = locate(m, key, hash_of(m, key));
    return s->key ? &s->value : NULL;
}

uint64_t *map_put(struct map *m, struct str key, bool *ret_new)
{
    if (m->n + 1 > m->cap / 4 * 3) grow(m);
    uint32_t hash = hash_of(m, key);
    struct map_slot *s = locate(m, key, hash);
    if (ret_new) *ret_new = !s->key;
    if (!s->key) {
        *s = (struct map_slot){mem_dup(key.at, key.len), (uint32_t)key.len, hash, 0};
        m->n++;
    }
    return &s->value;
}

struct str map_key(const uint64_t *value)
{
    const char *slot = (const char *)value - offsetof(struct map_slot, value);
    const struct map_slot *s = (const void *)slot;
    return (struct str){s->key, s->len};
}

bool map_remove(struct map *m, struct str key)
{
    if (!m->n) return false;
    struct map_slot *hole = locate(m, key, hash_of(m, key));
    if (!hole->key) return false;
    free(hole->key);
    m->n--;
    size_t mask = m->cap - 1, i = (size_t)(hole - m->slots), j = i;
    for (;;) { /* move back every follower whose home does not lie behind the hole */
        j = (j + 1) & mask;
        struct map_slot *s = &m->slots[j];
        if (!s->key) break;
        size_t home = s->hash & mask;
        if (((j - home) & mask) < ((j - i) & mask)) continue;
        m->slots[i] = *s;
        i = j;
    }
    m->slots[i].key = NULL;
    return true;
}

const struct map_slot *map_next(const struct map *m, size_t *cursor)
{
    while (*cursor < m->cap) {
        const struct map_slot *s = &m->slots[(*cursor)++];
        if (s->key) return s;
    }
    return NULL;
}
