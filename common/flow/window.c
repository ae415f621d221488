#include "flow/window.h"

#include <stddef.h>

#define ROW(name, type, fallback, field, low, high, help)                                          \
    {                                                                                              \
        "window", name, type, fallback, help, offsetof(struct window_conf, field), low, high       \
    }

#define YEAR_MS (INT64_C(366) * 86400 * 1000)

const struct config_row window_rows[] = {
    ROW("size", CONFIG_DURATION, "1h", size_ms, 1, YEAR_MS, "the length of a window of event time"),
    ROW("slide", CONFIG_DURATION, "5min", slide_ms, 1, YEAR_MS,
        "how far apart windows end; the size is a multiple of it"),
    ROW("n", CONFIG_INT, "100", n, 1, 10000, "how many items a ranking shows"),
    ROW("history", CONFIG_INT, "288", history, 1, 100000, "how many windows readers find"),
    {0},
};

bool window_check(const struct window_conf *conf, struct err *e)
{
    if (conf->size_ms % conf->slide_ms == 0) return true;
    return err_refuse(e, "window.size (%lld ms) is no multiple of window.slide (%lld ms)",
                      (long long)conf->size_ms, (long long)conf->slide_ms);
}

int64_t window_pane(const struct window_conf *conf, int64_t time_ms)
{
    return time_ms / conf->slide_ms - (time_ms % conf->slide_ms < 0);
}

int64_t window_first_end(const struct window_conf *conf, int64_t pane)
{
    return (pane + 1) * conf->slide_ms;
}

int64_t window_last_end(const struct window_conf *conf, int64_t pane)
{
    return pane * conf->slide_ms + conf->size_ms;
}

int64_t window_first_pane(const struct window_conf *conf, int64_t end_ms)
{
    return (end_ms - conf->size_ms) / conf->slide_ms;
}

int64_t window_last_pane(const struct window_conf *conf, int64_t end_ms)
{
    return end_ms / conf->slide_ms - 1;
}
