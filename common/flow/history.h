/* What a user did last: the newest K of a union of events by (time, position). "Newest K of a
 * union" is idempotent, commutative and associative: applying an event twice, late or in another
 * order changes nothing. */
#ifndef WEIR_FLOW_HISTORY_H
#define WEIR_FLOW_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "flow/event.h"

struct history_entry {
    struct str item, behavior; /* behavior is absent if the log has none */
    int64_t time_ms;
    struct position position;
};

/* Never changes once it is made. One block of memory, texts included: released by free(). */
struct history {
    size_t n;
    struct history_entry at[]; /* oldest first, positions all different */
};

/* history_cmp orders by (time, position). */
int history_cmp(const struct history_entry *a, const struct history_entry *b);

/* history_merge returns the newest k of old (may be NULL) and n more entries, in any order; all
 * is copied. */
struct history *history_merge(const struct history *old, const struct history_entry *more, size_t n,
                              size_t k);

/* history_same is true if both hold the same positions and times. */
bool history_same(const struct history *a, const struct history *b);

/* history_has is true if an entry is about the item. */
bool history_has(const struct history *h, struct str item);

#endif
