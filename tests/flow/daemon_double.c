#include "daemon_double.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

struct daemon {
    struct metrics *metrics; /* own */
    bool ready;
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
    d->ready = ready;
}

bool daemon_double_ready(const struct daemon *d)
{
    return d->ready;
}

/* "weir_NAME 1\n" or "weir_NAME{...} 1\n" */
double daemon_double_told(struct daemon *d, const char *name)
{
    struct buf text;
    double sum = 0;
    buf_init(&text, 1 << 20);
    metrics_render(d->metrics, &text);
    for (struct str rest = buf_str(&text); rest.len;) {
        struct str line = str_cut(&rest, '\n'), value = line, series = str_cut(&value, ' ');
        struct str found = str_cut(&series, '{');
        bool ours =
            found.len > 5 && str_eq((struct str){found.at + 5, found.len - 5}, str_of(name));
        if (ours) sum += strtod(value.at, NULL);
    }
    buf_finish(&text);
    return sum;
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
