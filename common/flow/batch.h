/* The record of weir-panes: what one transaction of weir-count adds to the panes, and for each of its partitions
 * the line that says which positions that covers. One record holds both: there are no half batches. */
#ifndef WEIR_FLOW_BATCH_H
#define WEIR_FLOW_BATCH_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { BATCH_PARTITIONS_MAX = 10000, BATCH_MAX_BYTES = 4 * 1024 * 1024 };
#define BATCH_SUM_MAX (INT64_C(1) << 40) /* of one item, and of events, in one batch */

/* "Partition 3 of 4, read since `start`: this batch holds its rows at positions from..to-1." */
struct batch_line {
    int32_t partition, of; /* of = partitions of weir-events that the writer knows */
    int64_t start, from, to;
    int64_t clock_ms; /* greatest event time so far; WATERMARK_NONE = no row yet */
    int64_t
        since_ms; /* panes from this time on are complete; INT64_MIN = all, INT64_MAX = not known yet */
    bool idle; /* at its end and quiet: it holds nobody back */
};

struct batch_item {
    struct str id; /* borrowed */
    int64_t sum;   /* of weights, > 0 */
};

struct batch_pane {
    int64_t pane;              /* number k of [k*slide, (k+1)*slide) */
    int64_t events;            /* counted rows, those of weight 0 too */
    size_t item_first, item_n; /* its items in batch.items */
};

struct batch {
    int64_t epoch, slide_ms;
    struct batch_line *lines; /* own; ascending partitions */
    struct batch_pane *panes; /* own; a pane may come again: its deltas add up */
    struct batch_item *items; /* own */
    size_t line_n, pane_n, item_n;
    size_t line_cap, pane_cap, item_cap;
};

void batch_finish(struct batch *b); /* of a zeroed or used batch */
void batch_clear(struct batch *b);  /* empties, keeps the memory */

void batch_add_line(struct batch *b, const struct batch_line *line);

/* batch_add_pane begins a pane; batch_add_item adds to the one begun last. */
void batch_add_pane(struct batch *b, int64_t pane, int64_t events);
void batch_add_item(struct batch *b, struct str id, int64_t sum);

/* BATCH_ITEM_BYTES bounds what an item adds to the record beyond its id, BATCH_PANE_BYTES a pane, BATCH_LINE_BYTES
 * a line. */
enum { BATCH_ITEM_BYTES = 8, BATCH_PANE_BYTES = 24, BATCH_LINE_BYTES = 64 };

/* batch_encode writes the record into out (cleared first). */
void batch_encode(const struct batch *b, struct buf *out);

/* The panes of a record to come, encoded one after the other while rows are still counted. */
struct batch_panes {
    struct buf bytes;
    size_t n;
    int64_t last; /* the pane that was put last */
};

void batch_panes_init(struct batch_panes *p);
void batch_panes_finish(struct batch_panes *p);
void batch_panes_clear(struct batch_panes *p);

/* batch_panes_put begins a pane; its item_n items follow by batch_panes_item. */
void batch_panes_put(struct batch_panes *p, int64_t pane, int64_t events, size_t item_n);
void batch_panes_item(struct batch_panes *p, struct str id, int64_t sum);

/* batch_encode_panes writes the record of b's lines and of these panes into out (cleared first). */
void batch_encode_panes(const struct batch *b, const struct batch_panes *p, struct buf *out);

/* batch_decode fills b from a record, whose bytes the ids then borrow. Everything is checked before anything is
 * of use: false with e set (refused) for bytes that no batch_encode has written. */
MUST_CHECK bool batch_decode(struct batch *b, struct str record, struct err *e);

#endif
