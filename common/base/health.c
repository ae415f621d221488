#include "base/health.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

void health_init(struct health *h, struct metrics *metrics, int64_t stall_ms)
{
    *h = (struct health){.metrics = metrics, .stall_ms = stall_ms, .progress_ms = clock_now_ms()};
    h->resident = metrics_gauge(metrics, "resident_memory_bytes", "", "Memory in RAM.");
    metrics_set(metrics_gauge(metrics, "up", "", "1 while the daemon answers."), 1);
    metrics_set(
        metrics_gauge(metrics, "start_time_seconds", "", "When the daemon started, since 1970."),
        clock_wall_ms() / 1000);
}

void health_progress(struct health *h, int64_t now_ms)
{
    atomic_store_explicit(&h->progress_ms, now_ms, memory_order_relaxed);
}

void health_ready(struct health *h, bool ready)
{
    atomic_store_explicit(&h->ready, ready, memory_order_relaxed);
}

/* The second number of /proc/self/statm: pages in RAM. */
static int64_t resident_bytes(void)
{
    long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    if (fscanf(f, "%*s %lld", &pages) != 1) pages = 0;
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

static void answer_metrics(struct health *h, struct http_reply *reply)
{
    metrics_set(h->resident, resident_bytes());
    reply->content_type = "text/plain; version=0.0.4";
    metrics_render(h->metrics, &reply->body);
}

static void answer_healthz(struct health *h, struct http_reply *reply)
{
    int64_t age_ms = clock_now_ms() - atomic_load_explicit(&h->progress_ms, memory_order_relaxed);
    bool healthy = age_ms <= h->stall_ms;
    reply->status = healthy ? 200 : 503;
    buf_printf(&reply->body, "%s: last progress %lld ms ago\n", healthy ? "ok" : "stalled",
               (long long)age_ms);
}

static void answer_readyz(struct health *h, struct http_reply *reply)
{
    bool ready = atomic_load_explicit(&h->ready, memory_order_relaxed);
    reply->status = ready ? 200 : 503;
    buf_printf(&reply->body, "%s\n", ready ? "ready" : "not ready");
}

void health_answer(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    static const struct {
        const char *path;
        void (*answer)(struct health *h, struct http_reply *reply);
    } pages[] = {
        {"/metrics", answer_metrics},
        {"/healthz", answer_healthz},
        {"/readyz", answer_readyz},
    };
    reply->status = 404;
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (strcmp(request->path, pages[i].path) != 0) continue;
        reply->status = 200;
        if (strcmp(request->method, "GET") == 0)
            pages[i].answer(ctx, reply);
        else
            reply->status = 405;
    }
    if (reply->status == 404) buf_printf(&reply->body, "try /metrics, /healthz or /readyz\n");
}
