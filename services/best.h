/* The best n of many: score descending, then item ascending. */
#ifndef WEIR_SERVICES_BEST_H
#define WEIR_SERVICES_BEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct best_found {
    double score; /* finite */
    uint32_t item;
};

/* A heap of at most max, its worst at 0 (Knuth, TAOCP 3, 5.2.3), in the caller's memory. */
struct best {
    struct best_found *at; /* max of them */
    size_t n, max;         /* max > 0 */
};

/* best_worse is true if a comes behind b. */
static inline bool best_worse(const struct best_found *a, const struct best_found *b)
{
    return a->score != b->score ? a->score < b->score : a->item > b->item;
}

void best_put(struct best *b, struct best_found f); /* best_offer's slow way */

/* best_offer keeps f unless max better ones are there. */
static inline void best_offer(struct best *b, struct best_found f)
{
    if (b->n < b->max || best_worse(&b->at[0], &f)) best_put(b, f);
}

/* best_sort puts what was kept in order, best first, and returns how many. The heap is one no more. */
size_t best_sort(struct best *b);

#endif
