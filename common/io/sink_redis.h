/* Publishing windows to Redis: one script call shows one window, whole, to readers.
 *
 *     KEY            hash    window_start, window_end (ms), version, events, complete, published_at, n and
 *                            ranking, a JSON [["item", count], ...], of the current window
 *     KEY:items      zset    its items by count
 *     KEY:order      list    its items in exact order
 *     KEY:history    hash    window_end -> {"window_start", "window_end", "version", "events", "complete",
 *                            "ranking"} of the last windows
 *     KEY:versions   hash    window_end -> "epoch:version" */
#ifndef WEIR_IO_SINK_REDIS_H
#define WEIR_IO_SINK_REDIS_H

#include "flow/windows.h"
#include "io/client_redis.h"

struct sink_redis;

struct sink_redis_spec {
    const struct client_redis_conf *redis; /* ref in caller */
    const char *name;                      /* of the connection */
    int64_t epoch;           /* what an older epoch has published goes, a younger one refuses us */
    int64_t keep_ms;         /* how far back from the current window the history reaches */
    struct metrics *metrics; /* ref; NULL = none */
};

/* NULL with e set (refused) for a bad configuration; it does not connect yet. */
MUST_CHECK struct sink_redis *sink_redis_new(const struct sink_redis_spec *spec, struct err *e);
void sink_redis_free(struct sink_redis *s); /* NULL is fine */

/* sink_redis_put sends a window; sink_redis_flush waits until Redis has answered for all that were put. After
 * RETRY nobody knows which have arrived: put them all again. An answer that Redis holds something newer
 * already is DONE too, and counted. */
MUST_CHECK enum client_redis_answer sink_redis_put(struct sink_redis *s,
                                                   const struct windows_view *view, struct err *e);
MUST_CHECK enum client_redis_answer sink_redis_flush(struct sink_redis *s, struct err *e);

/* sink_redis_empty tells whether Redis holds nothing of our epoch or a younger one. */
MUST_CHECK enum client_redis_answer sink_redis_empty(struct sink_redis *s, bool *ret_empty,
                                                     struct err *e);

/* How many windows were answered for, and how many of these were stale. */
int64_t sink_redis_shown_n(const struct sink_redis *s);
int64_t sink_redis_stale_n(const struct sink_redis *s);

#endif
