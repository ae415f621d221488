/* Batches are applied as they come. What they make due is shown at the end of a round of reading, once for all of
 * them, or earlier where a window closes; and only what Redis has acknowledged is ever committed. While Redis is away
 * nothing is read: the windows stay due, are computed again and shown when it is back.
 *
 * The state is made anew for every assignment, from the committed mark and the batches behind its hold. */
#include "rank/rank.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "consumers/start.h"
#include "consumers/watermark_gauge.h"
#include "flow/meta.h"
#include "flow/windows.h"
#include "io/sink_redis.h"
#include "io/state_kafka.h"

enum {
    META_VERSION = 1,
    ROUND_MS = 500,       /* then the group is served again */
    AGAIN_MS = 5000,      /* how often all is shown again */
    COMMIT_MS = 1000,     /* how often the mark is committed, */
    COMMIT_FIRED_MS = 20, /* and when F has moved, which weir-count waits for */
    TRIM_MS = 60000,      /* how often old batches are deleted */
};

const struct config_row rank_rows[] = {
    {"limits", "memory", CONFIG_BYTES, "2GiB", "what panes and items of the open windows may take",
     offsetof(struct rank_conf, memory_bytes), 1 << 20, INT64_C(1) << 42},
    {0},
};

struct rank {
    const struct rank_conf *conf; /* ref in caller */
    struct daemon *daemon;        /* ref in caller */
    int64_t epoch;
    struct source *source;   /* own */
    struct sink_redis *sink; /* own */
    struct windows *windows; /* own; NULL = no assignment, or not begun */
    struct batch batch;      /* own: the one in hand */
    struct windows_mark committed;
    struct start_pause pause;
    int64_t round_ms, shown_ms, committed_ms, trimmed_ms; /* when that was last */
    int64_t trimmed;        /* offset below which batches were deleted */
    struct backoff backoff; /* of Redis and of commits */
    struct {
        struct metric *shown, *stale, *events, *frozen, *retries, *flush;
        struct metric *panes, *items, *bytes, *fired;
    } metric;
    struct watermark_gauge watermark;
};

/* --- metadata ------------------------------------------------------------------------------------------ */

struct settings {
    int64_t epoch, slide_ms, size_ms, lateness_ms;
};

static struct settings settings_of(const struct rank *r)
{
    const struct rank_conf *conf = r->conf;
    return (struct settings){r->epoch, conf->window.slide_ms, conf->window.size_ms,
                             conf->time.lateness_ms};
}

enum { META_FIELDS = 8 };

static void fields_of(struct settings *s, struct windows_mark *m,
                      struct meta_field fields[META_FIELDS])
{
    const struct meta_field all[META_FIELDS] = {
        {"epoch", &s->epoch},          {"slide", &s->slide_ms}, {"size", &s->size_ms},
        {"lateness", &s->lateness_ms}, {"next", &m->next},      {"shown", &m->version},
        {"fired", &m->fired_ms},       {"frozen", &m->line_ms},
    };
    for (size_t i = 0; i < META_FIELDS; i++) fields[i] = all[i];
}

static struct checkpoint checkpoint_of(const struct rank *r, struct windows_mark mark)
{
    struct checkpoint c = {.partition = 0, .offset = mark.hold};
    struct settings settings = settings_of(r);
    struct meta_field fields[META_FIELDS];
    fields_of(&settings, &mark, fields);
    meta_write(c.metadata, META_VERSION, fields, META_FIELDS);
    return c;
}

static bool same(const char *what, int64_t found, int64_t expected, struct err *e)
{
    if (found == expected) return true;
    return err_refuse(
        e,
        "the group's offset was committed with a %s of %lld, here it is %lld: restore the "
        "configuration, or start afresh with weir-reset ranking",
        what, (long long)found, (long long)expected);
}

static bool mark_of(const struct rank *r, const struct checkpoint *c, struct windows_mark *ret_mark,
                    struct err *e)
{
    struct settings found, here = settings_of(r);
    struct meta_field fields[META_FIELDS];
    *ret_mark = (struct windows_mark){.hold = c->offset};
    fields_of(&found, ret_mark, fields);
    return meta_read(c->metadata, META_VERSION, fields, META_FIELDS, e) &&
           same("ranking epoch", found.epoch, here.epoch, e) &&
           same("window.slide in ms", found.slide_ms, here.slide_ms, e) &&
           same("window.size in ms", found.size_ms, here.size_ms, e) &&
           same("time.lateness in ms", found.lateness_ms, here.lateness_ms, e);
}

/* --- showing ------------------------------------------------------------------------------------------- */

/* A failure that a pause may cure; e is cleared then. */
static bool again_later(struct rank *r, const char *what, struct err *e)
{
    if (e->status != ERR_FAILED) return false;
    if (r->backoff.pause_ms == 0) log_warn("rank", what, "text=\"%s\"", e->text);
    *e = (struct err){0};
    backoff_failed(&r->backoff, clock_now_ms());
    metrics_add(r->metric.retries, 1);
    daemon_ready(r->daemon, false);
    return true;
}

static void all_is_well(struct rank *r)
{
    if (r->backoff.pause_ms)
        log_info("rank", "recovered", "shown=%lld", (long long)sink_redis_shown_n(r->sink));
    backoff_done(&r->backoff);
    daemon_ready(r->daemon, r->windows != NULL);
}

static bool put(void *ctx, const struct windows_view *view, struct err *e)
{
    struct rank *r = ctx;
    return sink_redis_put(r->sink, view, e) == CLIENT_REDIS_DONE;
}

static bool put_all(struct rank *r, struct err *e)
{
    return windows_show(r->windows, put, r, e) && sink_redis_flush(r->sink, e) == CLIENT_REDIS_DONE;
}

/* A process that slept for longer than the session has a successor by now. Redis would tell the two apart, but
 * there is no reason to go on. */
static bool still_member(const struct rank *r, struct err *e)
{
    int64_t age_ms = source_kafka_poll_age_ms(r->source);
    if (age_ms <= r->conf->group.session_ms) return true;
    return err_set(e, "asleep for %lld ms, longer than group.session.timeout", (long long)age_ms);
}

/* Shows what is due. False: with e set, the end; with e clear, not this time. */
static bool show(struct rank *r, struct err *e)
{
    if (!still_member(r, e)) return false;
    int64_t start_us = clock_now_us();
    if (!put_all(r, e)) return again_later(r, "show", e), false;
    windows_shown(r->windows);
    r->shown_ms = clock_now_ms();
    metrics_observe_us(r->metric.flush, clock_now_us() - start_us);
    all_is_well(r);
    return true;
}

/* --- the mark ------------------------------------------------------------------------------------------ */

/* As show(). */
static bool commit(struct rank *r, struct err *e)
{
    struct windows_mark mark = windows_mark(r->windows);
    struct checkpoint c = checkpoint_of(r, mark);
    enum commit answer = source_commit(r->source, &c, 1, e);
    if (answer == COMMIT_REFUSED) err_set(e, "the group is changing");
    if (answer != COMMIT_DONE) return again_later(r, "commit", e), false;
    r->committed = mark;
    r->committed_ms = clock_now_ms();
    all_is_well(r);
    return true;
}

static int64_t commit_in_ms(const struct rank *r, int64_t now_ms)
{
    struct windows_mark mark = windows_mark(r->windows);
    if (mark.next == r->committed.next) return COMMIT_MS;
    int64_t pause_ms = mark.fired_ms != r->committed.fired_ms ? COMMIT_FIRED_MS : COMMIT_MS;
    return r->committed_ms + pause_ms - now_ms;
}

/* Nobody needs the batches below the committed hold any more. Whoever may not delete leaves it to an operator. */
static void trim(struct rank *r, int64_t now_ms)
{
    struct err why = {0};
    if (now_ms - r->trimmed_ms < TRIM_MS || r->committed.hold == r->trimmed) return;
    r->trimmed_ms = now_ms;
    if (source_kafka_trim(r->source, 0, r->committed.hold, &why))
        r->trimmed = r->committed.hold;
    else
        log_warn("rank", "trim", "text=\"%s\"", why.text);
}

/* --- batches ------------------------------------------------------------------------------------------- */

static bool wants(void *self, int32_t partition)
{
    (void)partition;
    struct rank *r = self;
    return r->windows && !r->backoff.pause_ms && clock_now_ms() - r->round_ms < ROUND_MS;
}

static bool take_record(void *self, const struct record *record, struct err *e)
{
    struct rank *r = self;
    struct err why = {0};
    if (!batch_decode(&r->batch, record->value, &why))
        return err_refuse(e,
                          "offset %lld of the panes holds %s: start afresh with weir-reset ranking",
                          (long long)record->offset, why.text);
    if (!windows_apply(r->windows, record->offset, &r->batch, e)) return false;
    return !windows_urgent(r->windows) || show(r, e) || e->status == ERR_NONE;
}

static void take_end(void *self, int32_t partition, int64_t offset)
{
    (void)self;
    (void)partition;
    (void)offset;
}

/* --- coming and going ---------------------------------------------------------------------------------- */

static bool store_is_empty(void *self, bool *ret_empty, struct err *e)
{
    struct rank *r = self;
    return sink_redis_empty(r->sink, ret_empty, e) == CLIENT_REDIS_DONE;
}

static void forget(struct rank *r)
{
    windows_free(r->windows);
    r->windows = NULL;
    r->pause.until_ms = 0;
    daemon_ready(r->daemon, false);
}

static bool begin(struct rank *r, const struct checkpoint *part, struct err *e)
{
    const struct rank_conf *conf = r->conf;
    const struct windows_conf windows = {&conf->window, &conf->time, r->epoch, conf->memory_bytes};
    if (!mark_of(r, part, &r->committed, e)) return false;
    if (!windows_mark_sane(&windows, &r->committed)) return meta_refuse(part->metadata, e);
    r->windows = windows_new(&windows, r->committed);
    r->round_ms = r->shown_ms = r->committed_ms = r->trimmed_ms = clock_now_ms();
    r->trimmed = r->committed.hold;
    all_is_well(r);
    return true;
}

static bool assigned(void *self, struct checkpoint *parts, size_t n, struct err *e)
{
    struct rank *r = self;
    assert(n <= 1); /* topics_kafka_ensure: the panes have one partition */
    forget(r);
    if (n == 0) return daemon_ready(r->daemon, true), true; /* standing by */
    struct checkpoint first = checkpoint_of(r, WINDOWS_START);
    const struct start_rule rule = {r->source, "ranking", first.metadata, store_is_empty, r};
    enum start start = start_positions(&rule, parts, n, e);
    if (start == START_GO) return begin(r, &parts[0], e);
    if (start == START_FAILED) return false;
    start_put_off(&r->pause, "rank", parts, n, e);
    return true;
}

/* What is due may as well be shown by the successor: one try. */
static bool revoked(void *self, bool lost, struct err *e)
{
    struct rank *r = self;
    bool good = !lost && r->windows && (!windows_due(r->windows) || show(r, e));
    if (good && windows_mark(r->windows).next > r->committed.next) good = commit(r, e);
    forget(r);
    return good || e->status == ERR_NONE;
}

/* --- time ------------------------------------------------------------------------------------------------ */

static void report(struct rank *r)
{
    struct windows_stats s = windows_stats(r->windows);
    metrics_add(r->metric.shown, sink_redis_shown_n(r->sink) - metrics_value(r->metric.shown));
    metrics_add(r->metric.stale, sink_redis_stale_n(r->sink) - metrics_value(r->metric.stale));
    metrics_set(r->metric.events, s.events);
    metrics_set(r->metric.frozen, s.frozen_events);
    metrics_set(r->metric.panes, (int64_t)s.size.pane_n);
    metrics_set(r->metric.items, (int64_t)s.size.item_n);
    metrics_set(r->metric.bytes, (int64_t)s.size.bytes);
    watermark_gauge_set(&r->watermark, s.line_ms);
    if (s.fired_ms == WATERMARK_NONE) return;
    char text[CLOCK_TEXT_BYTES];
    metrics_set(r->metric.fired, s.fired_ms);
    daemon_status(r->daemon, "windows up to %s", clock_text(s.fired_ms, text));
}

static bool tick(void *self, int64_t now_ms, int64_t *ret_wait_ms, struct err *e)
{
    struct rank *r = self;
    if (!r->windows) return start_again(&r->pause, r->source, now_ms, e);
    r->round_ms = now_ms;
    report(r);
    if (backoff_left_ms(&r->backoff, now_ms)) return true;
    if (now_ms - r->shown_ms >= AGAIN_MS) windows_again(r->windows);
    if (windows_due(r->windows) && !show(r, e)) return e->status == ERR_NONE;
    int64_t commit_ms = commit_in_ms(r, now_ms);
    if (commit_ms <= 0 && !commit(r, e)) return e->status == ERR_NONE;
    if (commit_ms > 0 && commit_ms < *ret_wait_ms) *ret_wait_ms = commit_ms;
    trim(r, now_ms);
    return true;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static void make_metrics(struct rank *r)
{
    struct metrics *m = daemon_metrics(r->daemon);
    r->metric.shown =
        metrics_counter(m, "windows_shown_total", "", "Windows that Redis acknowledged");
    r->metric.stale =
        metrics_counter(m, "windows_stale_total", "", "Of these, older than what Redis had");
    r->metric.events = metrics_gauge(m, "events", "", "Events added to panes since the assignment");
    r->metric.frozen = metrics_gauge(m, "events_frozen", "",
                                     "Events that a closed window misses, since the assignment");
    r->metric.retries =
        metrics_counter(m, "retries_total", "", "Writes and commits to be repeated");
    r->metric.flush = metrics_histogram(m, "flush_seconds", "", "Showing what was due");
    r->metric.panes = metrics_gauge(m, "panes", "", "Panes of open windows");
    r->metric.items = metrics_gauge(m, "items", "", "Items in these panes");
    r->metric.bytes = metrics_gauge(m, "panes_bytes", "", "Memory for panes and items");
    watermark_gauge_init(&r->watermark, m, "");
    r->metric.fired = metrics_gauge(m, "window_end_ms", "", "End of the newest complete window");
}

/* Rank reads the panes from their beginning, wherever weir-count began to read the events. */
static struct source *join(const struct rank *r, struct err *e)
{
    const struct rank_conf *conf = r->conf;
    char earliest[] = "earliest";
    struct source_kafka_conf group = {earliest, conf->group.session_ms};
    char *topic = topics_kafka_name(&conf->topics, TOPICS_PANES);
    char *name = mem_printf("%s-rank", conf->topics.prefix);
    char *member = mem_printf("%s-%s", name, daemon_instance(r->daemon));
    struct source *source = source_kafka_new(
        &(struct source_kafka_spec){
            .kafka = &conf->kafka,
            .conf = &group,
            .topic = topic,
            .group = name,
            .static_id = daemon_static_member(r->daemon) ? member : NULL,
            .metrics = daemon_metrics(r->daemon),
            .patience = daemon_patience(r->daemon),
        },
        e);
    free(member);
    free(name);
    free(topic);
    return source;
}

static struct sink_redis *open_sink(const struct rank *r, struct err *e)
{
    const struct rank_conf *conf = r->conf;
    return sink_redis_new(
        &(struct sink_redis_spec){
            .redis = &conf->redis,
            .name = "weir-rank",
            .epoch = r->epoch,
            .keep_ms = conf->window.history * conf->window.slide_ms,
            .metrics = daemon_metrics(r->daemon),
        },
        e);
}

static bool open_all(struct rank *r, struct err *e)
{
    const struct rank_conf *conf = r->conf;
    const unsigned topics = 1u << TOPICS_PANES | 1u << TOPICS_STATE;
    if (!topics_kafka_ensure(&conf->kafka, &conf->topics, topics, e)) return false;
    if (!state_kafka_epoch(&conf->kafka, &conf->topics, "ranking", &r->epoch, e)) return false;
    return (r->sink = open_sink(r, e)) && (r->source = join(r, e));
}

bool rank_check(const struct rank_conf *conf, struct err *e)
{
    struct client_redis *redis = client_redis_new(&conf->redis, "check", e);
    client_redis_free(redis);
    return redis && window_check(&conf->window, e) && conf_kafka_check(&conf->kafka, e) &&
           topics_kafka_check(&conf->topics, e) && source_kafka_check(&conf->group, e);
}

struct rank *rank_new(const struct rank_conf *conf, struct daemon *d, struct err *e)
{
    struct rank *r = mem_zero(1, sizeof *r);
    r->conf = conf;
    r->daemon = d;
    make_metrics(r);
    if (open_all(r, e)) return r;
    rank_free(r);
    return NULL;
}

void rank_free(struct rank *r)
{
    if (!r) return;
    source_free(r->source);
    windows_free(r->windows);
    sink_redis_free(r->sink);
    batch_finish(&r->batch);
    free(r);
}

struct source *rank_source(struct rank *r)
{
    return r->source;
}

struct stage rank_stage(struct rank *r)
{
    return (struct stage){
        .self = r,
        .assigned = assigned,
        .revoked = revoked,
        .record = take_record,
        .end = take_end,
        .wants = wants,
        .tick = tick,
    };
}
