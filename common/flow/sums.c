#include "flow/sums.h"

#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };

void sums_finish(struct sums *s)
{
    free(s->slots);
    *s = (struct sums){0};
}

/* The slot that holds the key, or the free one where it belongs. Numbers of items are small and dense;
 * Fibonacci hashing (Knuth, TAOCP 3, 6.4) spreads them. */
static struct sums_slot *locate(const struct sums *s, uint32_t key)
{
    size_t mask = s->cap - 1, i = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;
    while (s->slots[i].key && s->slots[i].key != key) i = (i + 1) & mask;
    return &s->slots[i];
}

static void grow(struct sums *s)
{
    struct sums old = *s;
    s->cap = old.cap ? old.cap * 2 : FIRST_CAP;
    s->slots = mem_zero(s->cap, sizeof s->slots[0]);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key) *locate(s, old.slots[i].key) = old.slots[i];
    sums_finish(&old);
}

bool sums_add(struct sums *s, uint32_t item, int64_t amount)
{
    if (s->n + 1 > s->cap / 4 * 3) grow(s);
    struct sums_slot *slot = locate(s, item + 1);
    bool first = !slot->key;
    slot->key = item + 1;
    slot->sum += amount;
    s->n += first;
    return first;
}

bool sums_next(const struct sums *s, size_t *cursor, uint32_t *ret_item, int64_t *ret_sum)
{
    while (*cursor < s->cap) {
        const struct sums_slot *slot = &s->slots[(*cursor)++];
        if (!slot->key) continue;
        *ret_item = slot->key - 1;
        *ret_sum = slot->sum;
        return true;
    }
    return false;
}

size_t sums_bytes(const struct sums *s)
{
    return s->cap * sizeof s->slots[0];
}
