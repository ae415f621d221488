/* Where a watermark stands, and how far behind the time of day: /metrics of every daemon that has one. */
#ifndef WEIR_CONSUMERS_WATERMARK_GAUGE_H
#define WEIR_CONSUMERS_WATERMARK_GAUGE_H

#include "base/metrics.h"

struct watermark_gauge {
    struct metric *at, *behind; /* ref in the metrics */
};

/* watermark_gauge_init makes watermark_ms and watermark_lag_ms; labels as in base/metrics.h. */
void watermark_gauge_init(struct watermark_gauge *g, struct metrics *m, const char *labels);

/* watermark_gauge_set shows a watermark; WATERMARK_NONE changes nothing. */
void watermark_gauge_set(const struct watermark_gauge *g, int64_t watermark_ms);

#endif
