#include "consumers/watermark_gauge.h"

#include "base/clock.h"
#include "flow/watermark.h"

void watermark_gauge_init(struct watermark_gauge *g, struct metrics *m, const char *labels)
{
    g->at = metrics_gauge(m, "watermark_ms", labels, "Event time that is passed");
    g->behind =
        metrics_gauge(m, "watermark_lag_ms", labels, "How far that is behind the time of day");
}

void watermark_gauge_set(const struct watermark_gauge *g, int64_t watermark_ms)
{
    if (watermark_ms == WATERMARK_NONE) return;
    metrics_set(g->at, watermark_ms);
    metrics_set(g->behind, clock_wall_ms() - watermark_ms);
}
