#include "flow/sums.h"

#include <stdlib.h>

#include "base/mem.h"

void sums_finish(struct sums *s)
{
    free(s->at);
    *s = (struct sums){0};
}

/* The sparse set of Briggs and Torczon, "An Efficient Representation for Sparse Sets" (ACM LOPLAS 1993): what the scratch
 * says of an item is true if the sum there is the item's. */
size_t sums_merge(struct sums *s, uint32_t *scratch)
{
    size_t n = s->n;
    for (size_t i = 0; i < n;) {
        struct sum here = s->at[i];
        uint32_t first = scratch[here.item];
        if (first >= i || s->at[first].item != here.item) {
            scratch[here.item] = (uint32_t)i++;
            continue;
        }
        s->at[first].amount += here.amount;
        s->at[i] = s->at[--n];
        s->at[n] = (struct sum){0, here.item};
    }
    return n;
}

void sums_reserve(struct sums *s, size_t more)
{
    s->cap = s->n + (more > s->n ? more : s->n);
    s->at = mem_resize(s->at, s->cap, sizeof s->at[0]);
}

size_t sums_bytes(const struct sums *s)
{
    return s->cap * sizeof s->at[0];
}
