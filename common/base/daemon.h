/* What every daemon does around its pipeline: options, configuration, one lock per instance, signals, metrics
 * and health over HTTP, and the supervisor's protocol (sd_notify READY, STATUS, STOPPING, WATCHDOG). */
#ifndef WEIR_BASE_DAEMON_H
#define WEIR_BASE_DAEMON_H

#include "base/config.h"
#include "base/metrics.h"
#include "base/patience.h"

struct daemon;
struct health;

struct daemon_spec {
    const char *name;    /* "weir-count" */
    const char *purpose; /* one line for --help */
    int http_port;       /* of instance 0; instance n (a number) gets http_port + n */
    const struct config_part *parts;
    /* What the rows alone cannot say (size is a multiple of slide); part of -t. NULL = nothing. */
    bool (*check)(void *check_ctx, struct err *e);
    void *check_ctx;
};

/* daemon_start reads the command line (-c FILE, -o section.key=value, -t, --instance NAME, --help,
 * --version), fills the parts, and exits by itself for --help (0), -t (0, or 78 with one line) and on any error (78
 * with one line). Then it blocks SIGPIPE, catches SIGTERM and SIGINT,
 * takes the instance's lock in the runtime directory (exit 78 when another process holds
 * it) and serves [http] listen: /metrics, /healthz, /readyz. Freed by daemon_end. */
struct daemon *daemon_start(const struct daemon_spec *spec, int argc, char **argv);

/* daemon_running is false once a signal asked us to leave. Before it was called for the first time there is nothing to
 * finish: a signal ends the process at once, whatever server the start waits for. */
bool daemon_running(const struct daemon *d);

const char *daemon_name(const struct daemon *d);     /* "weir-count" */
const char *daemon_instance(const struct daemon *d); /* --instance, or "0" */

/* daemon_static_member is true when an instance was named on the command line: then it is a static group member. */
bool daemon_static_member(const struct daemon *d);

struct metrics *daemon_metrics(struct daemon *d);

/* daemon_health is what /metrics, /healthz and /readyz tell, for who serves them on another port too. */
struct health *daemon_health(struct daemon *d);

/* daemon_ready tells supervisor and /readyz whether we do our work (have an assignment, reach our stores). */
void daemon_ready(struct daemon *d, bool ready);

/* daemon_status is one line for `systemctl status`; printed at most once a second. */
void daemon_status(struct daemon *d, const char *format, ...) PRINTF_LIKE(2, 3);

/* daemon_progress says that the loop went round and something moved or nothing was to be done: it feeds the
 * watchdog and /healthz (unhealthy after [daemon] stall without progress). Never call it from a timer. */
void daemon_progress(struct daemon *d);

/* daemon_patience waits on for servers that are away as long as nobody asks us to leave, and for a few seconds more
 * after that. To wait is all that can be done then: it counts as progress. */
struct patience daemon_patience(struct daemon *d);

/* daemon_end logs e if it is set, says STOPPING, frees d and what the parts own, and returns the exit status: 0 or
 * e's. Free what uses metrics or configuration before it. */
int daemon_end(struct daemon *d, const struct err *e);

/* daemon_must ends a start that cannot go on: one line, exit with e's status. Only for main(). */
void daemon_must(struct daemon *d, bool ok, const struct err *e);

#endif
