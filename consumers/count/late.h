/* The late rows of a batch on their way to the late topic: key = event id, value = a dead letter with the row's time
 * and the clock of its partition, for which it came too late. */
#ifndef WEIR_COUNT_LATE_H
#define WEIR_COUNT_LATE_H

#include "base/buf.h"
#include "flow/event.h"

struct late {
    struct buf bytes;   /* own: key, value, key, value, ... */
    struct buf scratch; /* own */
    size_t *ends;       /* own: where each of them ends */
    size_t n, cap;      /* of ends: two per row */
};

void late_init(struct late *l);
void late_finish(struct late *l);

/* late_add copies a row that came when its partition's clock stood at clock_ms. */
void late_add(struct late *l, const struct event *event, int64_t epoch, int64_t clock_ms,
              struct str row);

size_t late_n(const struct late *l);     /* rows */
size_t late_bytes(const struct late *l); /* what they take */

/* late_get lends row i until the next change. */
void late_get(const struct late *l, size_t i, struct str *ret_key, struct str *ret_value);
void late_clear(struct late *l);

#endif
