#include "base/notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

enum { STATUS_EVERY_MS = 1000, LIMIT_IN_FEEDS = 4 };

void notify_init(struct notify *n)
{
    uint64_t limit_us = 0;
    *n = (struct notify){.fed_ms = INT64_MIN / 2, .status_ms = INT64_MIN / 2, .starting = true};
    if (sd_watchdog_enabled(0, &limit_us) <= 0) return;
    n->watchdog_ms = (int64_t)(limit_us / LIMIT_IN_FEEDS / 1000);
    if (n->watchdog_ms == 0) n->watchdog_ms = 1;
}

void notify_ready(struct notify *n)
{
    n->starting = false;
    sd_notify(0, "READY=1");
}

void notify_stopping(struct notify *n)
{
    n->starting = false;
    sd_notify(0, "STOPPING=1");
}

void notify_status(struct notify *n, int64_t now_ms, const char *line)
{
    if (now_ms - n->status_ms < STATUS_EVERY_MS) return;
    n->status_ms = now_ms;
    sd_notifyf(0, "STATUS=%s", line);
}

void notify_alive(struct notify *n, int64_t now_ms)
{
    if (!n->watchdog_ms || now_ms - n->fed_ms < n->watchdog_ms) return;
    n->fed_ms = now_ms;
    if (n->starting)
        sd_notifyf(0, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%" PRId64,
                   LIMIT_IN_FEEDS * n->watchdog_ms * 1000);
    else
        sd_notify(0, "WATCHDOG=1");
}
