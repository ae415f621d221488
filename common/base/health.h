/* What a daemon shows of itself over HTTP: /metrics, /healthz, /readyz. */
#ifndef WEIR_BASE_HEALTH_H
#define WEIR_BASE_HEALTH_H

#include <stdatomic.h>

#include "base/http_server.h"
#include "base/metrics.h"

/* Written by the daemon's thread, read by the server's. */
struct health {
    struct metrics *metrics; /* ref in daemon */
    struct metric *resident; /* ref in metrics */
    int64_t stall_ms;        /* without progress for longer: unhealthy */
    _Atomic int64_t progress_ms;
    _Atomic bool ready;
};

/* health_init adds the gauges that every daemon has and counts the time without progress from now on. */
void health_init(struct health *h, struct metrics *metrics, int64_t stall_ms);

void health_progress(struct health *h, int64_t now_ms);
void health_ready(struct health *h, bool ready);

/* health_answer is the http_handler; ctx is the struct health. */
void health_answer(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
