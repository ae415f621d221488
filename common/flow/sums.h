/* A table from item numbers to sums, for one pane: open addressing with linear probing, 16 bytes a slot; nothing is
 * ever removed but all at once. */
#ifndef WEIR_FLOW_SUMS_H
#define WEIR_FLOW_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sums_slot {
    int64_t sum;
    uint32_t key; /* item + 1; 0 = free */
};

struct sums {
    struct sums_slot *slots; /* own */
    size_t n, cap;           /* cap is 0 or a power of two, n <= 3/4 cap */
};

void sums_finish(struct sums *s); /* of a zeroed or used table */

/* sums_add adds to an item's sum; true = it is the first time for this item. item < UINT32_MAX. */
bool sums_add(struct sums *s, uint32_t item, int64_t amount);

/* sums_next walks the sums: for (i = 0; sums_next(s, &i, &item, &sum);) ... */
bool sums_next(const struct sums *s, size_t *cursor, uint32_t *ret_item, int64_t *ret_sum);

/* sums_bytes is the memory that the table takes. */
size_t sums_bytes(const struct sums *s);

#endif
