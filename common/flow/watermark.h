/* The rules of event time that the log alone decides, per partition and in order of position:
 * its clock, its watermark, and which rows are late. See ../../DESIGN.md, "Event time". */
#ifndef WEIR_FLOW_WATERMARK_H
#define WEIR_FLOW_WATERMARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"

/* No row yet, no time known. Smaller than every event time. */
#define WATERMARK_NONE INT64_MIN

/* [time]: shared by weir-count, weir-rank and weir-recommend. */
struct watermark_conf {
    int64_t delay_ms;        /* the watermark trails the clock by this much */
    int64_t lateness_ms;     /* how long after its pane a row is still taken */
    int64_t idle_timeout_ms; /* a partition at its end and quiet for so long holds nobody back */
};

extern const struct config_row watermark_rows[];

/* watermark_floor rounds a time down to a multiple of step, towards minus infinity. */
int64_t watermark_floor(int64_t time_ms, int64_t step_ms);

/* watermark_of is clock - delay; WATERMARK_NONE without a clock. */
int64_t watermark_of(const struct watermark_conf *conf, int64_t clock_ms);

/* watermark_sane is true for NONE and for a time that is an event's or is made of one: what comes back from a store is
 * looked at before it is counted with. */
bool watermark_sane(int64_t time_ms);

/* watermark_late is true when the pane of time_ms (panes are pane_ms long) ended more than the lateness
 * before the watermark of a partition whose clock stood at clock_ms before the row. */
bool watermark_late(const struct watermark_conf *conf, int64_t clock_ms, int64_t time_ms,
                    int64_t pane_ms);

#endif
