/* The two ways to tell what was found: a table for people, JSON for scripts. */
#ifndef WEIR_STATUS_REPORT_H
#define WEIR_STATUS_REPORT_H

#include "base/buf.h"
#include "status/balance.h"
#include "status/view.h"

/* Both append to out. b is NULL if nobody asked for the sums. */
void report_table(const struct view *v, const struct balance *b, struct buf *out);
void report_json(const struct view *v, const struct balance *b, struct buf *out);

/* report_why names the first group that has not settled, and why. */
void report_why(const struct view *v, struct buf *out);

#endif
