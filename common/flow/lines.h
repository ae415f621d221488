/* The newest line of every partition of weir-events, as the batches in weir-panes tell them: whether they
 * form a chain, how far event time has come, and from when on panes are complete. */
#ifndef WEIR_FLOW_LINES_H
#define WEIR_FLOW_LINES_H

#include "flow/batch.h"

struct lines;

/* from_start: weir-panes is read from its very beginning, so each partition's first line begins at its start. */
struct lines *lines_new(bool from_start);
void lines_free(struct lines *l); /* NULL is fine */

/* lines_check refuses a batch whose lines do not go on where the partitions' previous ones ended. */
MUST_CHECK bool lines_check(const struct lines *l, const struct batch *b, struct err *e);

/* lines_take makes the lines of the batch at an offset of weir-panes the newest ones. */
void lines_take(struct lines *l, const struct batch *b, int64_t offset);

/* lines_known is true when every partition of weir-events that anybody knows of has a line. */
bool lines_known(const struct lines *l);

/* lines_clocks returns the least clock of the partitions that are not idle (WATERMARK_NONE: one has no
 * row yet) and the greatest of all (WATERMARK_NONE: none has); all_idle: nobody is left for the first. */
struct lines_clocks {
    bool all_idle;
    int64_t least_ms, greatest_ms;
};
struct lines_clocks lines_clocks(const struct lines *l);

/* lines_since is the time from which on the panes of all partitions are complete; INT64_MAX = not known. */
int64_t lines_since(const struct lines *l);

/* lines_hold is the lowest offset that still is some partition's newest line; INT64_MAX without lines. */
int64_t lines_hold(const struct lines *l);

#endif
