/* Rows become sums: (pane, item) -> sum of weights, for one batch. */
#ifndef WEIR_COUNT_OP_COUNT_H
#define WEIR_COUNT_OP_COUNT_H

#include "base/config.h"
#include "flow/batch.h"
#include "flow/event.h"
#include "flow/watermark.h"
#include "flow/window.h"

/* [weight] */
struct op_count_conf {
    char *behaviors;
    int64_t fallback;
};

extern const struct config_row op_count_rows[];

struct op_count;

/* NULL with e set (refused) for malformed weights. window and time must outlive it. */
MUST_CHECK struct op_count *op_count_new(const struct op_count_conf *conf,
                                         const struct window_conf *window,
                                         const struct watermark_conf *time, struct err *e);
void op_count_free(struct op_count *op); /* NULL is fine */

/* op_count_row takes a row of a partition whose clock stands at *clock_ms, and moves the clock. False = the row is
 * late, and not in the batch. */
bool op_count_row(struct op_count *op, const struct event *event, int64_t *clock_ms);

/* op_count_bytes bounds the size of the batch when it is encoded. */
size_t op_count_bytes(const struct op_count *op);

/* op_count_panes lends what the rows add up to since op_count_clear; no row may be taken in between. */
const struct batch_panes *op_count_panes(struct op_count *op);
void op_count_clear(struct op_count *op);

#endif
