#include "daemon_double.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

struct daemon {
    struct metrics *metrics; /* own */
};

struct daemon *daemon_double_new(void)
{
    struct daemon *d = mem_zero(1, sizeof *d);
    d->metrics = metrics_new();
    return d;
}

void daemon_double_free(struct daemon *d)
{
    if (!d) return;
    metrics_free(d->metrics);
    free(d);
}

const char *daemon_instance(const struct daemon *d)
{
    (void)d;
    return "0";
}

bool daemon_static_member(const struct daemon *d)
{
    (void)d;
    return false;
}

struct metrics *daemon_metrics(struct daemon *d)
{
    return d->metrics;
}

struct patience daemon_patience(struct daemon *d)
{
    (void)d;
    return (struct patience){0};
}

void daemon_ready(struct daemon *d, bool ready)
{
    (void)d;
    (void)ready;
}

void daemon_status(struct daemon *d, const char *format, ...)
{
    (void)d;
    (void)format;
}

/* Thousands of deaths need no lines. */
void log_info(const char *comp, const char *event, const char *format, ...)
{
    (void)comp, (void)event, (void)format;
}

void log_warn(const char *comp, const char *event, const char *format, ...)
{
    (void)comp, (void)event, (void)format;
}

void log_error(const char *comp, const char *event, const char *format, ...)
{
    (void)comp, (void)event, (void)format;
}
