#include "flow/watermark.h"

#include <stddef.h>

#include "flow/window.h"

#define ROW(name, fallback, field, help)                                                           \
    {                                                                                              \
        "time", name, CONFIG_DURATION, fallback, help, offsetof(struct watermark_conf, field),     \
            .max = INT64_C(366) * 86400 * 1000                                                     \
    }

const struct config_row watermark_rows[] = {
    ROW("delay", "10s", delay_ms, "how far the watermark trails a partition's greatest event time"),
    ROW("lateness", "10min", lateness_ms, "how long after its pane's end a row is still taken"),
    ROW("idle.timeout", "30s", idle_timeout_ms,
        "a partition read to its end and quiet for so long holds the others back no more"),
    {0},
};

int64_t watermark_floor(int64_t time_ms, int64_t step_ms)
{
    int64_t rest = time_ms % step_ms;
    return time_ms - rest - (rest < 0 ? step_ms : 0);
}

int64_t watermark_of(const struct watermark_conf *conf, int64_t clock_ms)
{
    return clock_ms == WATERMARK_NONE ? WATERMARK_NONE : clock_ms - conf->delay_ms;
}

bool watermark_sane(int64_t time_ms)
{
    const int64_t most_ms = 2 * WINDOW_TIME_MAX_MS;
    return time_ms == WATERMARK_NONE || (time_ms >= -most_ms && time_ms <= most_ms);
}

bool watermark_late(const struct watermark_conf *conf, int64_t clock_ms, int64_t time_ms,
                    int64_t pane_ms)
{
    int64_t watermark_ms = watermark_of(conf, clock_ms);
    if (time_ms >= watermark_ms) return false; /* most are: no division */
    int64_t pane_end = watermark_floor(time_ms, pane_ms) + pane_ms;
    return pane_end + conf->lateness_ms <= watermark_ms;
}
