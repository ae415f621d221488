#include "fit/progress.h"

#include "base/clock.h"
#include "base/log.h"

enum { PAUSE_MS = 1000 };

void progress_tell(struct progress *p, const char *phase, uint64_t done, uint64_t of)
{
    int64_t now_ms = clock_now_ms();
    if (!p->told_ms) p->told_ms = now_ms;
    if (now_ms - p->told_ms < PAUSE_MS) return;
    p->told_ms = now_ms;
    log_info("weir-fit", "progress", "phase=%s done=%llu of=%llu", phase, (unsigned long long)done,
             (unsigned long long)of);
}
