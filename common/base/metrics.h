/* Counters, gauges and histograms, rendered as Prometheus text. Written by the daemon's thread, read by
 * the HTTP thread: values are relaxed atomics, registration takes a lock. */
#ifndef WEIR_BASE_METRICS_H
#define WEIR_BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

struct metrics; /* the set of one process */
struct metric;  /* one series; lives as long as its set */

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* metrics_counter and friends find or make a series. name without the "weir_" that all get; labels is ""
 * or `reason="time"`; help is for people, the same for all series of a name. */
struct metric *metrics_counter(struct metrics *m, const char *name, const char *labels,
                               const char *help);
struct metric *metrics_gauge(struct metrics *m, const char *name, const char *labels,
                             const char *help);

/* A histogram of seconds, with buckets from 0.05 ms to 30 s. */
struct metric *metrics_histogram(struct metrics *m, const char *name, const char *labels,
                                 const char *help);

void metrics_add(struct metric *m, int64_t n);
void metrics_set(struct metric *m, int64_t value);
void metrics_observe_us(struct metric *m, int64_t us);
int64_t metrics_value(const struct metric *m); /* of a counter or gauge; a histogram's count */

/* metrics_render appends all series; safe from another thread. */
void metrics_render(struct metrics *m, struct buf *out);

#endif
