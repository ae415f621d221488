#include "base/daemon.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/health.h"
#include "base/http_server.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/options.h"

enum {
    METRICS_MAX_BYTES = 4 << 20,
    REQUEST_MAX_MS = 20000,
    INSTANCE_MAX_BYTES = 64,
    LEAVE_MS = 5000, /* how long a server that is away may hold up one who was asked to leave */
};

struct daemon_conf {
    char *listen, *runtime_dir, *instance;
    int64_t stall_ms;
};

struct daemon {
    struct daemon_spec spec;
    struct daemon_conf conf;
    struct config_part *parts; /* own; the daemon's own rows and the spec's */
    struct metrics *metrics;
    struct health health;
    struct http_server *http; /* NULL = none */
    struct notify notify;
    int lock;
    bool ready_said;
    int64_t leaving_ms; /* when we saw that we were asked to leave; 0 = not yet */
};

static const struct config_row rows[] = {
    {"http", "listen", CONFIG_STR, "",
     "where /metrics, /healthz and /readyz are served, \"none\" = nowhere, empty = 127.0.0.1 and "
     "the daemon's own port",
     offsetof(struct daemon_conf, listen)},
    {"daemon", "runtime_dir", CONFIG_STR, "",
     "where the instance's lock is; empty = $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/weir or "
     "/tmp/weir-<uid>",
     offsetof(struct daemon_conf, runtime_dir)},
    {"daemon", "instance", CONFIG_STR, "",
     "a name makes this a static member of its group; a number also moves the HTTP port; empty = "
     "0, not static",
     offsetof(struct daemon_conf, instance)},
    {"daemon", "stall", CONFIG_DURATION, "60s", "without progress for so long, /healthz says no",
     offsetof(struct daemon_conf, stall_ms), .min = 100, .max = 86400000},
    {0},
};

static const struct options_row options[] = {{"instance", "daemon.instance"}, {0}};

/* The only globals: a handler has no other way to us. */
static volatile sig_atomic_t asked_to_leave, at_work;

static void on_signal(int signal_n)
{
    static const char line[] =
        "level=info comp=daemon event=end status=0 text=\"asked to leave while it started\"\n";
    (void)signal_n;
    asked_to_leave = 1;
    if (at_work) return;
    ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)written;
    _exit(0);
}

static void set_up_process(void)
{
    struct sigaction leave = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGTERM, &leave, NULL);
    sigaction(SIGINT, &leave, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static struct config_part *join_parts(struct daemon *d, const struct config_part *parts)
{
    size_t n = 0;
    while (parts[n].rows) n++;
    struct config_part *all = mem_zero(n + 2, sizeof all[0]);
    memcpy(all, parts, n * sizeof all[0]);
    all[n] = (struct config_part){rows, &d->conf};
    return all;
}

static bool instance_is_good(const char *instance)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t len = strlen(instance);
    return len <= INSTANCE_MAX_BYTES && strspn(instance, allowed) == len;
}

static bool served(const struct daemon *d)
{
    return strcmp(d->conf.listen, "none") != 0;
}

static bool check(void *self, struct err *e)
{
    const struct daemon *d = self;
    if (!instance_is_good(d->conf.instance))
        return err_refuse(e,
                          "daemon.instance = \"%.80s\": expected up to %d letters, digits, - and _",
                          d->conf.instance, INSTANCE_MAX_BYTES);
    if (d->conf.listen[0] && served(d) && !http_server_check(d->conf.listen, e)) return false;
    return !d->spec.check || d->spec.check(d->spec.check_ctx, e);
}

static bool take_lock(struct daemon *d, struct err *e)
{
    char *directory = lock_directory(d->conf.runtime_dir);
    char *name = mem_printf("%s-%s", d->spec.name, daemon_instance(d));
    d->lock = lock_take(directory, name, e);
    free(directory);
    free(name);
    return d->lock >= 0;
}

static bool serve(struct daemon *d, struct err *e)
{
    if (!served(d)) return true;
    int64_t number = 0;
    if (!str_int64(str_of(daemon_instance(d)), &number) || number < 0 || number > 9999) number = 0;
    char *listen = d->conf.listen[0] ? mem_dup(d->conf.listen, strlen(d->conf.listen))
                                     : mem_printf("127.0.0.1:%d", d->spec.http_port + (int)number);
    d->http = http_server_new(&(struct http_server_conf){.listen = listen,
                                                         .body_max_bytes = 4096,
                                                         .reply_max_bytes = METRICS_MAX_BYTES,
                                                         .request_max_ms = REQUEST_MAX_MS,
                                                         .handler = health_answer,
                                                         .ctx = &d->health},
                              e);
    free(listen);
    return d->http != NULL;
}

struct daemon *daemon_start(const struct daemon_spec *spec, int argc, char **argv)
{
    struct err e = {0};
    struct daemon *d = mem_zero(1, sizeof *d);
    d->spec = *spec;
    d->parts = join_parts(d, spec->parts);
    set_up_process();
    options_read(&(struct options_spec){.name = spec->name,
                                        .purpose = spec->purpose,
                                        .rows = options,
                                        .parts = d->parts,
                                        .check = check,
                                        .check_ctx = d},
                 argc, argv);
    d->metrics = metrics_new();
    health_init(&d->health, d->metrics, d->conf.stall_ms);
    notify_init(&d->notify);
    if (!take_lock(d, &e) || !serve(d, &e)) options_fail(spec->name, &e);
    log_info(d->spec.name, "start", "version=%s instance=%s http_port=%d", WEIR_VERSION,
             daemon_instance(d), d->http ? http_server_port(d->http) : 0);
    return d;
}

bool daemon_running(const struct daemon *d)
{
    (void)d;
    at_work = 1;
    return !asked_to_leave;
}

static bool more(void *self)
{
    struct daemon *d = self;
    int64_t now_ms = clock_now_ms();
    daemon_progress(d);
    if (!asked_to_leave) return true;
    if (!d->leaving_ms) d->leaving_ms = now_ms;
    return now_ms - d->leaving_ms < LEAVE_MS;
}

struct patience daemon_patience(struct daemon *d)
{
    return (struct patience){more, d};
}

const char *daemon_name(const struct daemon *d)
{
    return d->spec.name;
}

const char *daemon_instance(const struct daemon *d)
{
    return d->conf.instance[0] ? d->conf.instance : "0";
}

bool daemon_static_member(const struct daemon *d)
{
    return d->conf.instance[0];
}

struct metrics *daemon_metrics(struct daemon *d)
{
    return d->metrics;
}

struct health *daemon_health(struct daemon *d)
{
    return &d->health;
}

void daemon_ready(struct daemon *d, bool ready)
{
    health_ready(&d->health, ready);
    if (!ready || d->ready_said) return;
    d->ready_said = true;
    notify_ready(&d->notify);
}

void daemon_status(struct daemon *d, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    notify_status(&d->notify, clock_now_ms(), line);
}

void daemon_progress(struct daemon *d)
{
    int64_t now_ms = clock_now_ms();
    health_progress(&d->health, now_ms);
    notify_alive(&d->notify, now_ms);
}

/* An error's text as a quoted value: its own quotes become single ones. */
static void log_failure(const struct daemon *d, const struct err *e)
{
    struct err copy = *e;
    for (char *at = copy.text; (at = strchr(at, '"'));) *at = '\'';
    log_error(d->spec.name, "failed", "status=%d error=\"%s\"", (int)e->status, copy.text);
}

int daemon_end(struct daemon *d, const struct err *e)
{
    int status = e ? (int)e->status : 0;
    if (status) log_failure(d, e);
    notify_stopping(&d->notify);
    http_server_free(d->http);
    metrics_free(d->metrics);
    log_info(d->spec.name, "end", "status=%d", status);
    config_free(d->parts);
    free(d->parts);
    close(d->lock);
    free(d);
    return status;
}

void daemon_must(struct daemon *d, bool ok, const struct err *e)
{
    if (ok) return;
    assert(e->status);
    /* Libraries' threads may be at work still: they must not find what exit()'s handlers, OpenSSL's say, have taken down. */
    _exit(daemon_end(d, e));
}
