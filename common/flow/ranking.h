/* Counts of items, and the exact top N of them by (count descending, item_order) at any moment. A change costs O(1)
 * whatever its size, the top N costs O(N log N) and one look at each item that shares a bucket with the last. */
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

/* ranking_item returns the number of an id: small, dense, and its own until the item is dropped. Items come
 * to life with count 0 and no reference. */
uint32_t ranking_item(struct ranking *r, struct str id);

/* Whoever is about to touch many items hides the memory's latency by telling which, a few ahead: ranking_expect an id before
 * ranking_item, ranking_fetch an item before ranking_keep, ranking_drop or ranking_add. */
void ranking_expect(const struct ranking *r, struct str id);
void ranking_fetch(const struct ranking *r, uint32_t item);

/* ranking_keep takes a reference to an item; ranking_drop gives it back and forgets the item with the last one (its
 * count must be 0 then). */
void ranking_keep(struct ranking *r, uint32_t item);
void ranking_drop(struct ranking *r, uint32_t item);

/* ranking_add changes the count of an item; it never falls below 0. */
void ranking_add(struct ranking *r, uint32_t item, int64_t amount);

/* ranking_top writes the best n items with a count > 0 to places, best first, and returns how many there are. */
size_t ranking_top(struct ranking *r, size_t n, struct ranking_place *places);

/* ranking_item_n is the number of items alive, ranking_bytes the memory taken. */
size_t ranking_item_n(const struct ranking *r);
size_t ranking_bytes(const struct ranking *r);

#endif
