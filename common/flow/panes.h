/* The panes of the windows that may still change, and the running counts of one window at a time. Moving from one
 * window to another touches only the panes in which they differ. */
#ifndef WEIR_FLOW_PANES_H
#define WEIR_FLOW_PANES_H

#include "flow/batch.h"
#include "flow/ranking.h"
#include "flow/window.h"

#define PANES_NONE INT64_MIN

struct panes;

/* conf must outlive the panes. */
struct panes *panes_new(const struct window_conf *conf);
void panes_free(struct panes *p); /* NULL is fine */

/* panes_add adds a pane of a batch at an offset of weir-panes. */
void panes_add(struct panes *p, int64_t offset, const struct batch *b,
               const struct batch_pane *pane);

/* panes_forget frees all panes up to and including `last`. */
void panes_forget(struct panes *p, int64_t last);

/* panes_first is the first pane there is, or PANES_NONE; panes_any tells whether one of first..last exists. */
int64_t panes_first(const struct panes *p);
bool panes_any(const struct panes *p, int64_t first, int64_t last);

/* panes_hold is the lowest offset that added to one of the panes; INT64_MAX without panes. */
int64_t panes_hold(const struct panes *p);

/* panes_top moves the running counts to the window that ends at end_ms and writes its best n items to places, best
 * first; *ret_events is the number of events in it. Returns how many items. */
size_t panes_top(struct panes *p, int64_t end_ms, size_t n, struct ranking_place *places,
                 int64_t *ret_events);

/* For metrics and limits: how many panes and items are alive, the memory taken, the sum of all weights in it. */
struct panes_size {
    size_t pane_n, item_n, bytes;
    int64_t sum;
};
struct panes_size panes_size(const struct panes *p);

#endif
