#include "flow/pipeline.h"

#include "base/clock.h"
#include "base/log.h"

enum { WAIT_MAX_MS = 100, READ_MAX_RECORDS = 2000 };

static bool go_round(struct source *source, const struct stage *stage, int64_t *wait_ms,
                     struct err *e)
{
    if (!source_poll(source, stage, *wait_ms, e)) return false;
    if (!source_read(source, stage, READ_MAX_RECORDS, e)) return false;
    *wait_ms = WAIT_MAX_MS;
    if (!stage->tick(stage->self, clock_now_ms(), wait_ms, e)) return false;
    if (*wait_ms < 0) *wait_ms = 0;
    return true;
}

/* Asked to leave while a server is away: what was not finished is done again after the next start. */
static bool excuse(const struct daemon *d, struct err *e)
{
    if (daemon_running(d) || e->status != ERR_FAILED) return false;
    log_warn(daemon_name(d), "unfinished", "text=\"%s\"", e->text);
    *e = (struct err){0};
    return true;
}

bool pipeline_run(struct source *source, const struct stage *stage, struct daemon *d, struct err *e)
{
    int64_t wait_ms = 0;
    while (daemon_running(d)) {
        if (!go_round(source, stage, &wait_ms, e)) return excuse(d, e);
        daemon_progress(d);
    }
    return source_leave(source, stage, e) || excuse(d, e);
}
