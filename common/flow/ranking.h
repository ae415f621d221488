/* Counts of items, and the exact top N of them by (count descending, item_order) at any moment. A change costs O(1)
 * whatever its size, the top N costs O(N log N) and one look at each item that shares a bucket with the last; now and then
 * it looks at all items, which is paid for by the changes since it did so last. */
#ifndef WEIR_FLOW_RANKING_H
#define WEIR_FLOW_RANKING_H

#include <stdint.h>

#include "base/str.h"

struct ranking;

struct ranking_place {
    struct str id; /* lent until items come or go */
    int64_t count;
};

struct ranking *ranking_new(void);
void ranking_free(struct ranking *r); /* NULL is fine */

enum { RANKING_SOME = 32 }; /* so many items at a time, whose memory is asked for together */

/* ranking_keep takes a reference to each of n <= RANKING_SOME items and tells their numbers: small, dense, and their own
 * until they are dropped. Items come to life with count 0. */
void ranking_keep(struct ranking *r, const struct str *ids, size_t n, uint32_t *ret_items);

/* ranking_drop gives a reference to each of n <= RANKING_SOME items back, and forgets an item with its last one (its count
 * must be 0 then). */
void ranking_drop(struct ranking *r, const uint32_t *items, size_t n);

/* ranking_fetch hides the memory's latency from a ranking_add that comes a few later. */
void ranking_fetch(const struct ranking *r, uint32_t item);

/* ranking_add changes the count of an item; it never falls below 0. */
void ranking_add(struct ranking *r, uint32_t item, int64_t amount);

/* ranking_top writes the best n items with a count > 0 to places, best first, and returns how many there are. */
size_t ranking_top(struct ranking *r, size_t n, struct ranking_place *places);

/* ranking_numbers is a bound of the items' numbers: all are below it. */
size_t ranking_numbers(const struct ranking *r);

/* ranking_item_n is the number of items alive, ranking_bytes the memory taken. */
size_t ranking_item_n(const struct ranking *r);
size_t ranking_bytes(const struct ranking *r);

#endif
