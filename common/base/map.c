#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };
#define USED (UINT32_C(1) << 31) /* in the hash of every slot that is not free */

void map_init(struct map *m)
{
    *m = (struct map){0};
    if (getrandom(&m->seed, sizeof m->seed, GRND_NONBLOCK) < 0) m->seed = 0; /* early boot only */
}

void map_clear(struct map *m)
{
    for (size_t i = 0; i < m->cap && m->n; i++) key_finish(&m->slots[i].key);
    if (m->n) memset(m->slots, 0, m->cap * sizeof m->slots[0]);
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
    return (uint32_t)XXH3_64bits_withSeed(key.at, key.len, m->seed) | USED;
}

/* The slot that holds the key, or the free one where it belongs. */
static struct map_slot *locate(const struct map *m, struct str key, uint32_t hash)
{
    size_t mask = m->cap - 1, i = hash & mask;
    for (;; i = (i + 1) & mask) {
        struct map_slot *s = &m->slots[i];
        if (!s->hash || (s->hash == hash && str_eq(key_str(&s->key), key))) return s;
    }
}

static void grow(struct map *m)
{
    struct map_slot *old = m->slots;
    size_t old_cap = m->cap;
    m->cap = old_cap ? old_cap * 2 : FIRST_CAP;
    m->slots = mem_zero(m->cap, sizeof m->slots[0]);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].hash) *locate(m, key_str(&old[i].key), old[i].hash) = old[i];
    free(old);
}

uint64_t *map_find(const struct map *m, struct str key)
{
    if (!m->n) return NULL;
    struct map_slot *s = locate(m, key, hash_of(m, key));
    return s->hash ? &s->value : NULL;
}

uint64_t *map_put(struct map *m, struct str key, bool *ret_new)
{
    if (m->n + 1 > m->cap / 4 * 3) grow(m);
    uint32_t hash = hash_of(m, key);
    struct map_slot *s = locate(m, key, hash);
    bool new = !s->hash;
    if (new) *s = (struct map_slot){.key = key_copy(key), .hash = hash};
    m->n += new;
    if (ret_new) *ret_new = new;
    return &s->value;
}

bool map_remove(struct map *m, struct str key)
{
    if (!m->n) return false;
    struct map_slot *hole = locate(m, key, hash_of(m, key));
    if (!hole->hash) return false;
    key_finish(&hole->key);
    m->n--;
    size_t mask = m->cap - 1, i = (size_t)(hole - m->slots), j = i;
    for (;;) { /* move back every follower whose home does not lie behind the hole */
        j = (j + 1) & mask;
        struct map_slot *s = &m->slots[j];
        if (!s->hash) break;
        size_t home = s->hash & mask;
        if (((j - home) & mask) < ((j - i) & mask)) continue;
        m->slots[i] = *s;
        i = j;
    }
    m->slots[i] = (struct map_slot){0};
    return true;
}

const struct map_slot *map_next(const struct map *m, size_t *cursor)
{
    while (*cursor < m->cap) {
        const struct map_slot *s = &m->slots[(*cursor)++];
        if (s->hash) return s;
    }
    return NULL;
}
