/* Windows and panes of event time. Pane k is [k*slide, (k+1)*slide); a window is [end - size, end) with end a
 * multiple of slide, so it is made of whole panes. */
#ifndef WEIR_FLOW_WINDOW_H
#define WEIR_FLOW_WINDOW_H

#include <stdint.h>

#include "base/config.h"

/* [window]: shared by weir-count and weir-rank. */
struct window_conf {
    int64_t size_ms, slide_ms;
    int64_t n;       /* items of a ranking */
    int64_t history; /* windows kept for readers */
};

extern const struct config_row window_rows[];

/* Event times lie within +-WINDOW_TIME_MAX_MS (the range of a date in MongoDB and JavaScript): sums of a few of
 * them do not overflow. */
#define WINDOW_TIME_MAX_MS INT64_C(8640000000000000)

/* window_check refuses a size that is no multiple of the slide. */
MUST_CHECK bool window_check(const struct window_conf *conf, struct err *e);

/* window_pane is the pane of a time. */
int64_t window_pane(const struct window_conf *conf, int64_t time_ms);

/* window_first_end and window_last_end are the ends of the first and the last window that hold a pane. */
int64_t window_first_end(const struct window_conf *conf, int64_t pane);
int64_t window_last_end(const struct window_conf *conf, int64_t pane);

/* window_first_pane and window_last_pane are the panes of the window that ends at end_ms. */
int64_t window_first_pane(const struct window_conf *conf, int64_t end_ms);
int64_t window_last_pane(const struct window_conf *conf, int64_t end_ms);

#endif
