#include "base/index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };
#define USED (UINT32_C(1) << 31) /* in every hash */

void index_init(struct index *ix)
{
    *ix = (struct index){0};
    if (getrandom(&ix->seed, sizeof ix->seed, GRND_NONBLOCK) < 0)
        ix->seed = 0; /* early boot only */
}

void index_finish(struct index *ix)
{
    free(ix->slots);
    *ix = (struct index){0};
}

void index_clear(struct index *ix)
{
    if (ix->n) memset(ix->slots, 0, ix->cap * sizeof ix->slots[0]);
    ix->n = 0;
}

uint32_t index_hash(const struct index *ix, struct str key)
{
    return (uint32_t)XXH3_64bits_withSeed(key.at, key.len, ix->seed) | USED;
}

static void enter(struct index *ix, struct index_slot entry)
{
    size_t mask = ix->cap - 1, at = entry.hash & mask;
    while (ix->slots[at].hash) at = (at + 1) & mask;
    ix->slots[at] = entry;
}

static void grow(struct index *ix)
{
    struct index old = *ix;
    ix->cap = old.cap ? old.cap * 2 : FIRST_CAP;
    ix->slots = mem_zero(ix->cap, sizeof ix->slots[0]);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].hash) enter(ix, old.slots[i]);
    free(old.slots);
}

void index_put(struct index *ix, uint32_t hash, uint32_t number)
{
    if (ix->n + 1 > ix->cap / 4 * 3) grow(ix);
    enter(ix, (struct index_slot){hash, number});
    ix->n++;
}

static size_t place_of(const struct index *ix, uint32_t hash, uint32_t number)
{
    size_t mask = ix->cap - 1, at = hash & mask;
    while (ix->slots[at].hash != hash || ix->slots[at].number != number) {
        assert(ix->slots[at].hash);
        at = (at + 1) & mask;
    }
    return at;
}

void index_renumber(struct index *ix, uint32_t hash, uint32_t number, uint32_t to)
{
    ix->slots[place_of(ix, hash, number)].number = to;
}

/* Every follower whose home does not lie behind the hole moves back. */
void index_remove(struct index *ix, uint32_t hash, uint32_t number)
{
    size_t mask = ix->cap - 1, hole = place_of(ix, hash, number);
    for (size_t at = (hole + 1) & mask; ix->slots[at].hash; at = (at + 1) & mask) {
        size_t home = ix->slots[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        ix->slots[hole] = ix->slots[at];
        hole = at;
    }
    ix->slots[hole] = (struct index_slot){0};
    ix->n--;
}
