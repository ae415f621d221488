/* A table (a, b) -> count for pairs of numbers: open addressing with linear probing. Nothing is
 * ever removed. */
#ifndef WEIR_FIT_EDGES_H
#define WEIR_FIT_EDGES_H

#include <stddef.h>
#include <stdint.h>

struct edge {
    uint32_t from, to;
    uint32_t count; /* 0 = free slot */
};

struct edges {
    struct edge *slots; /* own */
    size_t n, cap;      /* cap is 0 or a power of two, n <= 3/4 cap */
};

void edges_init(struct edges *t);
void edges_finish(struct edges *t);

/* edges_add adds to a pair's count (count > 0), which stops at UINT32_MAX. */
void edges_add(struct edges *t, uint32_t from, uint32_t to, uint32_t count);

/* edges_next walks the pairs in no particular order: for (i = 0; (e = edges_next(t, &i));) */
const struct edge *edges_next(const struct edges *t, size_t *cursor);

#endif
