/* The sums of a pane's items, 16 bytes each, in a row as they came: the same item may come again. Whoever finds no room
 * merges them first, so that the row is at most twice as long as there are items, or longer by what came last. */
#ifndef WEIR_FLOW_SUMS_H
#define WEIR_FLOW_SUMS_H

#include <stddef.h>
#include <stdint.h>

struct sum {
    int64_t amount;
    uint32_t item;
};

struct sums {
    struct sum *at; /* own */
    size_t n, cap;
};

void sums_finish(struct sums *s); /* of a zeroed or used row */

/* sums_put adds to an item's sum; there must be room: n < cap. */
static inline void sums_put(struct sums *s, uint32_t item, int64_t amount)
{
    s->at[s->n++] = (struct sum){amount, item};
}

/* sums_merge adds all of an item's sums to its first one and returns how many items there are, n; behind these n
 * stands a sum of 0 for each that came again. scratch has a place for every number of an item, with any content. */
size_t sums_merge(struct sums *s, uint32_t *scratch);

/* sums_reserve makes room for that many more, and for as many as there are. */
void sums_reserve(struct sums *s, size_t more);

/* sums_bytes is the memory that the row takes. */
size_t sums_bytes(const struct sums *s);

#endif
