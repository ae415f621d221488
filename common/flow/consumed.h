/* Who consumed what, and when first and last: the events of a batch coalesced to one entry per user and item,
 * so that a hot user costs a store one update. */
#ifndef WEIR_FLOW_CONSUMED_H
#define WEIR_FLOW_CONSUMED_H

#include "base/map.h"
#include "flow/event.h"

/* Between user and item in a key: ids are text, so they hold no control characters. */
#define CONSUMED_SEPARATOR '\x1f'

struct consumed_span {
    int64_t first_ms, last_ms;
};

struct consumed {
    struct map index;            /* key -> index into spans */
    struct consumed_span *spans; /* own */
    size_t cap;
};

void consumed_init(struct consumed *c);
void consumed_finish(struct consumed *c);
void consumed_clear(struct consumed *c); /* keeps the memory */

void consumed_add(struct consumed *c, const struct event *event);

/* One entry, borrowed until the next change. */
struct consumed_entry {
    struct str key, user, item; /* key = user US item */
    struct consumed_span span;
};

/* consumed_next walks the entries in no particular order, from *cursor = 0; false = no more. */
bool consumed_next(const struct consumed *c, size_t *cursor, struct consumed_entry *ret_entry);

#endif
