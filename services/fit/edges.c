#include "fit/edges.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_CAP = 1024 };

void edges_init(struct edges *t)
{
    *t = (struct edges){0};
}

void edges_finish(struct edges *t)
{
    free(t->slots);
    edges_init(t);
}

/* The finalizer of SplitMix64 (S. Vigna). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The slot that holds the pair, or the free one where it belongs. */
static struct edge *locate(const struct edges *t, uint32_t from, uint32_t to)
{
    size_t mask = t->cap - 1, i = mix((uint64_t)from << 32 | to) & mask;
    for (;; i = (i + 1) & mask) {
        struct edge *e = &t->slots[i];
        if (!e->count || (e->from == from && e->to == to)) return e;
    }
}

static void grow(struct edges *t)
{
    struct edge *old = t->slots;
    size_t old_cap = t->cap;
    t->cap = old_cap ? old_cap * 2 : FIRST_CAP;
    t->slots = mem_zero(t->cap, sizeof t->slots[0]);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].count) *locate(t, old[i].from, old[i].to) = old[i];
    free(old);
}

void edges_add(struct edges *t, uint32_t from, uint32_t to, uint32_t count)
{
    assert(count > 0);
    if (t->n + 1 > t->cap / 4 * 3) grow(t);
    struct edge *e = locate(t, from, to);
    if (!e->count) {
        *e = (struct edge){from, to, count};
        t->n++;
        return;
    }
    if (__builtin_add_overflow(e->count, count, &e->count)) e->count = UINT32_MAX;
}

const struct edge *edges_next(const struct edges *t, size_t *cursor)
{
    while (*cursor < t->cap) {
        const struct edge *e = &t->slots[(*cursor)++];
        if (e->count) return e;
    }
    return NULL;
}
