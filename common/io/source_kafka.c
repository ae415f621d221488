/* How records get from librdkafka 2.0.2 to a stage.
 *
 * Its batch interface returns wrong offsets around rebalances (issue 4208) and its message interface costs half as
 * much again per record. So every partition's queue is taken out of the consumer's queue as soon as the partition is
 * ours, and read by rd_kafka_consume_callback() in chunks; rd_kafka_consumer_poll() sees nothing but the group's
 * events. (rd_kafka_consume_callback_queue() has no bound: it takes the whole queue at once, which then looks empty
 * to the fetcher for as long as we work on it, and memory grows.)
 *
 * The chunk is bounded by consume.callback.max.messages; a callback that wants no more calls rd_kafka_yield(), and
 * the rest of the chunk goes back to the head of its queue. A partition that its stage does not want is not read:
 * librdkafka stops fetching when its queue is full, and the group is served on.
 *
 * All queues write to one eventfd when they stop being empty. One that was left with records in it says nothing any
 * more: `waiting` remembers it, and nobody sleeps while a wanted partition is waiting.
 *
 * Between the group's "these are yours" and rd_kafka_assign() the committed offsets are read (`loading`). That may
 * take a while (a predecessor's open transaction), so it is tried once per poll instead of inside the callback. */
#include "io/source_kafka.h"

#include <assert.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/value.h"
#include "io/offsets_kafka.h"

enum {
    CHUNK_RECORDS = 256,
    ASK_MS = 5000,       /* one question to the brokers */
    ASK_OFTEN_MS = 1000, /* the same, when it is asked again in the next round */
    LOAD_MIN_MS = 30000, /* how long the committed offsets may stay out of reach, at least */
    CLOSE_MS = 10000,
    COMPLAIN_MS = 10000,
    LAG_MS = 1000,
};

const struct config_row source_kafka_rows[] = {
    {"group", "start", CONFIG_STR, "earliest",
     "where a group without offsets begins: earliest, latest or a time", offsetof(struct source_kafka_conf, start)},
    {"group", "session.timeout", CONFIG_DURATION, "10s",
     "a member that is silent for so long loses its partitions",
     offsetof(struct source_kafka_conf, session_ms), 1000, 60000},
    {0},
};

struct part {
    int32_t id;
    int64_t next;            /* offset of the next record; what is below is stale */
    bool waiting;            /* there may be records left in the queue */
    rd_kafka_queue_t *queue; /* own */
    struct metric *lag;      /* ref in metrics */
};

struct source_kafka {
    struct source source;
    rd_kafka_t *rk;                   /* own */
    rd_kafka_topic_t *topic;          /* own */
    rd_kafka_queue_t *group_events;   /* own */
    rd_kafka_consumer_group_metadata_t *member; /* own: of the present generation; NULL = none */
    char *topic_name;                 /* own */
    int wakeup_fd;                    /* own */
    int64_t start_ms;                 /* START_EARLIEST, START_LATEST or a time */
    int64_t session_ms;
    struct part *parts; /* own */
    size_t part_n;
    int32_t partition_n;
    bool subscribed, closed;
    bool loading;            /* assigned by the group, not yet handed to the stage */
    bool ours;               /* the stage has them */
    bool reload;             /* asked for by the stage */
    int64_t loading_since_ms, polled_ms, complained_ms, lag_ms;
    const struct stage *stage; /* ref, during source_poll and source_leave */
    struct err *err;           /* ref, the same */
    struct metrics *metrics;   /* ref in daemon */
    struct metric *records_in, *commits, *rebalances;
};

enum { START_EARLIEST = -1, START_LATEST = -2 };

static struct source_kafka *self_of(struct source *s)
{
    return (struct source_kafka *)(void *)s;
}

/* --- errors ------------------------------------------------------------------------------------------ */

/* Brokers come and go; people want to know, but not a thousand times. */
static void complain(struct source_kafka *s, rd_kafka_resp_err_t code, const char *text)
{
    int64_t now_ms = clock_now_ms();
    if (s->complained_ms && now_ms - s->complained_ms < COMPLAIN_MS) return;
    s->complained_ms = now_ms;
    log_warn("source_kafka", "trouble", "topic=%s error=%s text=\"%s\"", s->topic_name, rd_kafka_err2name(code),
             text ? text : "");
}

static bool fatal(struct source_kafka *s, struct err *e)
{
    char text[300] = "";
    if (rd_kafka_fatal_error(s->rk, text, sizeof text) == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        return err_fenced(e, "another process runs as this instance of the group: %s", text);
    return err_set(e, "the consumer of %s cannot go on: %s", s->topic_name, text);
}

/* False when the daemon must end. */
static bool judge(struct source_kafka *s, rd_kafka_resp_err_t code, const char *text, struct err *e)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: return fatal(s, e);
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return err_refuse(e, "the brokers do not let us read %s: %s", s->topic_name, text);
    /* librdkafka goes on behind what it cannot read; we do not. */
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
        return err_set(e, "unreadable records in %s: %s", s->topic_name, text);
    default: complain(s, code, text); return true;
    }
}

static void on_error(rd_kafka_t *rk, int code, const char *text, void *opaque)
{
    (void)rk;
    struct source_kafka *s = opaque;
    (void)judge(s, (rd_kafka_resp_err_t)code, text, s->err); /* source_poll looks at err */
}

static bool refuse_lost(struct source_kafka *s, const struct part *p, struct err *e)
{
    int64_t first, end;
    if (!offsets_kafka_range(s->rk, s->topic_name, p->id, ASK_MS, &first, &end, e)) return false;
    if (p->next < first)
        return err_refuse(e,
                          "%s partition %" PRId32 ": offsets %" PRId64 " to %" PRId64
                          " were deleted before they were read; accept the loss with weir-reset",
                          s->topic_name, p->id, p->next, first - 1);
    return err_refuse(e,
                      "%s partition %" PRId32 ": offset %" PRId64 " is due but the partition ends at %" PRId64
                      ": it was re-created or cut; start afresh with weir-reset",
                      s->topic_name, p->id, p->next, end);
}

/* --- records ----------------------------------------------------------------------------------------- */

struct reading {
    struct source_kafka *s;
    struct part *part;
    const struct stage *stage;
    size_t n;
    bool stop;
    struct err *err;
};

static bool wanted(const struct stage *stage, const struct part *p)
{
    return !stage->wants || stage->wants(stage->self, p->id);
}

static bool no_record(struct reading *r, const rd_kafka_message_t *m)
{
    switch (m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (m->offset > r->part->next) r->part->next = m->offset; /* behind control records */
        r->stage->end(r->stage->self, r->part->id, r->part->next);
        return true;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: return refuse_lost(r->s, r->part, r->err);
    default: return judge(r->s, m->err, rd_kafka_message_errstr(m), r->err);
    }
}

static bool hand_over(struct reading *r, const rd_kafka_message_t *m)
{
    if (m->offset < r->part->next) return true;
    rd_kafka_timestamp_type_t kind;
    int64_t timestamp_ms = rd_kafka_message_timestamp(m, &kind);
    struct record record = {
        .partition = m->partition,
        .offset = m->offset,
        .timestamp_ms = kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp_ms,
        .log_append = kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME,
        .key = {m->key, m->key_len},
        .value = {m->payload, m->len},
    };
    r->part->next = m->offset + 1;
    r->n++;
    return r->stage->record(r->stage->self, &record, r->err);
}

static void on_message(rd_kafka_message_t *m, void *opaque)
{
    struct reading *r = opaque;
    bool ok = m->err ? no_record(r, m) : hand_over(r, m);
    if (ok && !r->s->reload && wanted(r->stage, r->part)) return;
    r->stop = true;
    rd_kafka_yield(r->s->rk);
}

static void read_part(struct reading *r, size_t max)
{
    r->part->waiting = true;
    while (r->n < max && !r->stop) {
        int ops = rd_kafka_consume_callback(r->s->topic, r->part->id, 0, on_message, r);
        if (ops >= CHUNK_RECORDS || r->stop) continue;
        r->part->waiting = false;
        return;
    }
}

static bool read_all(struct source *source, const struct stage *stage, size_t max, struct err *e)
{
    struct source_kafka *s = self_of(source);
    for (size_t i = 0; i < s->part_n && s->ours && !s->reload; i++) {
        struct reading r = {.s = s, .part = &s->parts[i], .stage = stage, .err = e};
        if (!wanted(stage, r.part)) {
            r.part->waiting = true;
            continue;
        }
        read_part(&r, max);
        metrics_add(s->records_in, (int64_t)r.n);
        if (e->status != ERR_NONE) return false;
    }
    return true;
}

/* --- coming and going of partitions ---------------------------------------------------------------- */

static struct metric *lag_of(struct source_kafka *s, int32_t partition)
{
    char label[32];
    snprintf(label, sizeof label, "partition=\"%" PRId32 "\"", partition);
    return metrics_gauge(s->metrics, "lag_offsets", label, "Offsets between the group's position and the end");
}

static void show_lag(struct source_kafka *s)
{
    int64_t now_ms = clock_now_ms(), first, end;
    if (!s->ours || now_ms - s->lag_ms < LAG_MS) return;
    s->lag_ms = now_ms;
    for (size_t i = 0; i < s->part_n; i++) {
        struct part *p = &s->parts[i];
        if (rd_kafka_get_watermark_offsets(s->rk, s->topic_name, p->id, &first, &end)) continue;
        metrics_set(p->lag, end > p->next ? end - p->next : 0);
    }
}

static void part_take(struct source_kafka *s, struct part *p, int32_t id)
{
    static const uint64_t one = 1;
    *p = (struct part){.id = id, .lag = lag_of(s, id)};
    p->queue = rd_kafka_queue_get_partition(s->rk, s->topic_name, id);
    rd_kafka_queue_forward(p->queue, NULL);
    rd_kafka_queue_io_event_enable(p->queue, s->wakeup_fd, &one, sizeof one);
}

static void part_drop(struct part *p)
{
    rd_kafka_queue_io_event_enable(p->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(p->queue);
    metrics_set(p->lag, 0);
}

/* The member as it is in this generation, kept for transactions: librdkafka's own idea of it changes behind our
 * back when the group has thrown us out, up to "no member at all", which the brokers do not fence. */
static void take_parts(struct source_kafka *s, const rd_kafka_topic_partition_list_t *list)
{
    assert(s->part_n == 0);
    s->member = rd_kafka_consumer_group_metadata(s->rk);
    s->part_n = (size_t)list->cnt;
    s->parts = mem_zero(s->part_n + 1, sizeof *s->parts);
    for (size_t i = 0; i < s->part_n; i++) part_take(s, &s->parts[i], list->elems[i].partition);
    s->loading = true;
    s->loading_since_ms = clock_now_ms();
}

static void drop_parts(struct source_kafka *s)
{
    for (size_t i = 0; i < s->part_n; i++) part_drop(&s->parts[i]);
    free(s->parts);
    s->parts = NULL;
    s->part_n = 0;
    if (s->member) rd_kafka_consumer_group_metadata_destroy(s->member);
    s->member = NULL;
    s->loading = s->reload = false;
}

static void tell_revoked(struct source_kafka *s, bool lost)
{
    bool knows = s->ours && s->stage && s->err->status == ERR_NONE;
    if (knows && !s->stage->revoked(s->stage->self, lost, s->err)) assert(s->err->status != ERR_NONE);
    s->ours = false;
}

static void unassign(struct source_kafka *s)
{
    rd_kafka_resp_err_t code = rd_kafka_assign(s->rk, NULL);
    if (code) complain(s, code, "unassign");
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *opaque)
{
    struct source_kafka *s = opaque;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && s->stage) {
        metrics_add(s->rebalances, 1);
        take_parts(s, list);
        return;
    }
    tell_revoked(s, rd_kafka_assignment_lost(rk) != 0);
    drop_parts(s);
    unassign(s);
}

/* --- loading: committed offsets, then the stage's choice -------------------------------------------- */

static enum offsets_kafka count_partitions(struct source_kafka *s, struct err *e)
{
    const struct rd_kafka_metadata *md;
    rd_kafka_resp_err_t code = rd_kafka_metadata(s->rk, 0, s->topic, &md, ASK_OFTEN_MS);
    if (!code) {
        if (md->topic_cnt == 1) s->partition_n = md->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(md);
        if (s->partition_n > 0) return OFFSETS_KAFKA_KNOWN;
    }
    err_set(e, "cannot count the partitions of %s: %s", s->topic_name, rd_kafka_err2str(code));
    return OFFSETS_KAFKA_LATER;
}

static bool begin(struct source_kafka *s, const struct checkpoint *points, struct err *e)
{
    for (size_t i = 0; i < s->part_n; i++) {
        assert(points[i].partition == s->parts[i].id && points[i].offset >= 0);
        s->parts[i].next = points[i].offset;
        s->parts[i].waiting = true;
    }
    rd_kafka_topic_partition_list_t *list = offsets_kafka_list(s->topic_name, points, s->part_n);
    rd_kafka_resp_err_t code = rd_kafka_assign(s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR__FATAL) return fatal(s, e);
    return code ? err_set(e, "cannot take partitions of %s: %s", s->topic_name, rd_kafka_err2str(code)) : true;
}

static bool hand_assignment(struct source_kafka *s, struct checkpoint *points, struct err *e)
{
    s->loading = false;
    s->ours = true;
    if (!s->stage->assigned(s->stage->self, points, s->part_n, e)) return false;
    log_info("source_kafka", "assigned", "topic=%s partitions=%zu of=%" PRId32, s->topic_name, s->part_n,
             s->partition_n);
    return begin(s, points, e);
}

static bool patient(const struct source_kafka *s)
{
    int64_t patience_ms = 2 * s->session_ms > LOAD_MIN_MS ? 2 * s->session_ms : LOAD_MIN_MS;
    return clock_now_ms() - s->loading_since_ms < patience_ms;
}

static bool load(struct source_kafka *s, struct err *e)
{
    struct checkpoint *points = mem_zero(s->part_n + 1, sizeof *points);
    for (size_t i = 0; i < s->part_n; i++) points[i].partition = s->parts[i].id;
    struct err why = {0};
    enum offsets_kafka known = count_partitions(s, &why);
    if (known == OFFSETS_KAFKA_KNOWN)
        known = offsets_kafka_committed(s->rk, s->topic_name, points, s->part_n, ASK_OFTEN_MS, &why);
    bool ok = true;
    if (known == OFFSETS_KAFKA_KNOWN) {
        ok = hand_assignment(s, points, e);
    } else if (known == OFFSETS_KAFKA_BAD || !patient(s)) {
        *e = why;
        ok = false;
    }
    free(points);
    return ok;
}

/* --- serving the group ------------------------------------------------------------------------------- */

static bool subscribe(struct source_kafka *s, struct err *e)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, s->topic_name, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code) return err_set(e, "cannot subscribe to %s: %s", s->topic_name, rd_kafka_err2str(code));
    s->subscribed = true;
    return true;
}

static bool must_not_sleep(const struct source_kafka *s)
{
    if (s->reload) return true;
    for (size_t i = 0; i < s->part_n; i++)
        if (s->ours && s->parts[i].waiting && wanted(s->stage, &s->parts[i])) return true;
    return false;
}

static void sleep_until_something(struct source_kafka *s, int64_t wait_ms)
{
    struct pollfd fd = {.fd = s->wakeup_fd, .events = POLLIN};
    poll(&fd, 1, must_not_sleep(s) || wait_ms < 0 ? 0 : (int)wait_ms);
    uint64_t wakeups;
    ssize_t n = read(s->wakeup_fd, &wakeups, sizeof wakeups);
    (void)n; /* nothing there: time is up, or a signal */
}

static void serve_group(struct source_kafka *s)
{
    rd_kafka_message_t *m;
    while ((m = rd_kafka_consumer_poll(s->rk, 0))) {
        (void)judge(s, m->err, rd_kafka_message_errstr(m), s->err); /* the caller looks at err */
        rd_kafka_message_destroy(m);
    }
    s->polled_ms = clock_now_ms();
}

static bool poll_group(struct source *source, const struct stage *stage, int64_t wait_ms, struct err *e)
{
    struct source_kafka *s = self_of(source);
    s->stage = stage;
    s->err = e;
    if (!s->subscribed && !subscribe(s, e)) return false;
    sleep_until_something(s, wait_ms);
    serve_group(s);
    if (e->status == ERR_NONE && s->reload) {
        tell_revoked(s, true);
        s->reload = false;
        s->loading = true;
        s->loading_since_ms = clock_now_ms();
    }
    if (e->status == ERR_NONE && s->loading && !load(s, e)) return false;
    show_lag(s);
    return e->status == ERR_NONE;
}

static bool reload(struct source *source, struct err *e)
{
    (void)e;
    struct source_kafka *s = self_of(source);
    if (s->ours) s->reload = true;
    return true;
}

/* --- questions ---------------------------------------------------------------------------------------- */

static enum commit commit(struct source *source, const struct checkpoint *parts, size_t n, struct err *e)
{
    struct source_kafka *s = self_of(source);
    if (rd_kafka_assignment_lost(s->rk)) return COMMIT_REFUSED;
    enum commit result = offsets_kafka_commit(s->rk, s->topic_name, parts, n, (int)s->session_ms, e);
    if (result == COMMIT_DONE) metrics_add(s->commits, 1);
    return result;
}

static bool committed(struct source *source, struct checkpoint *parts, size_t n, struct err *e)
{
    struct source_kafka *s = self_of(source);
    int64_t deadline_ms = clock_now_ms() + s->session_ms;
    for (;;) {
        struct err why = {0};
        enum offsets_kafka known = offsets_kafka_committed(s->rk, s->topic_name, parts, n, ASK_OFTEN_MS, &why);
        if (known == OFFSETS_KAFKA_KNOWN) return true;
        if (known == OFFSETS_KAFKA_LATER && clock_now_ms() < deadline_ms) continue;
        *e = why;
        return false;
    }
}

static int64_t first_offset(struct source *source, int32_t partition, struct err *e)
{
    struct source_kafka *s = self_of(source);
    int64_t first, end;
    bool ok = s->start_ms >= 0
                  ? offsets_kafka_at(s->rk, s->topic_name, partition, s->start_ms, ASK_MS, &first, e)
                  : offsets_kafka_range(s->rk, s->topic_name, partition, ASK_MS, &first, &end, e);
    if (!ok) return -1;
    return s->start_ms == START_LATEST ? end : first;
}

static int32_t partition_n(struct source *source)
{
    return self_of(source)->partition_n;
}

rd_kafka_consumer_group_metadata_t *source_kafka_group(struct source *source)
{
    return self_of(source)->member;
}

const char *source_kafka_topic(const struct source *source)
{
    return ((const struct source_kafka *)(const void *)source)->topic_name;
}

bool source_kafka_group_committed(struct source *source, const char *group, const char *topic,
                                  struct checkpoint *part, struct err *e)
{
    return offsets_kafka_of_group(self_of(source)->rk, group, topic, part, ASK_MS, e);
}

bool source_kafka_trim(struct source *source, int32_t partition, int64_t offset, struct err *e)
{
    struct source_kafka *s = self_of(source);
    return offsets_kafka_trim(s->rk, s->topic_name, partition, offset, ASK_MS, e);
}

int64_t source_kafka_poll_age_ms(const struct source *source)
{
    return clock_now_ms() - ((const struct source_kafka *)(const void *)source)->polled_ms;
}

/* --- the end ------------------------------------------------------------------------------------------- */

static void serve_closing(struct source_kafka *s, rd_kafka_queue_t *closing)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(closing, 100);
    if (!event) return;
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
        on_rebalance(s->rk, rd_kafka_event_error(event), rd_kafka_event_topic_partition_list(event), s);
    rd_kafka_event_destroy(event);
}

/* rd_kafka_consumer_close() may hang in 2.0.2: it is done step by step, under a deadline. A consumer that was fenced
 * does not close at all. */
static void await_closed(struct source_kafka *s)
{
    rd_kafka_queue_t *closing = rd_kafka_queue_new(s->rk);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(s->rk, closing);
    int64_t deadline_ms = clock_now_ms() + (error ? 0 : CLOSE_MS);
    if (error) rd_kafka_error_destroy(error);
    while (!rd_kafka_consumer_closed(s->rk) && clock_now_ms() < deadline_ms) serve_closing(s, closing);
    rd_kafka_queue_destroy(closing);
}

static void close_group(struct source_kafka *s)
{
    if (s->closed) return;
    s->closed = true;
    if (s->loading) {
        drop_parts(s);
        unassign(s);
    }
    await_closed(s);
    tell_revoked(s, true); /* only if the group never came to it */
}

static bool leave(struct source *source, const struct stage *stage, struct err *e)
{
    struct source_kafka *s = self_of(source);
    s->stage = stage;
    s->err = e;
    close_group(s);
    s->stage = NULL;
    return e->status == ERR_NONE;
}

static void destroy(struct source *source)
{
    struct source_kafka *s = self_of(source);
    struct err ignored = {0};
    s->stage = NULL;
    s->err = &ignored;
    close_group(s);
    drop_parts(s);
    rd_kafka_queue_io_event_enable(s->group_events, -1, NULL, 0);
    rd_kafka_queue_destroy(s->group_events);
    rd_kafka_topic_destroy(s->topic);
    if (rd_kafka_consumer_closed(s->rk) || rd_kafka_fatal_error(s->rk, NULL, 0))
        rd_kafka_destroy_flags(s->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    else /* it would hang: the process is about to end and takes the threads along */
        log_warn("source_kafka", "close", "topic=%s text=\"gave up after %d ms\"", s->topic_name, CLOSE_MS);
    close(s->wakeup_fd);
    free(s->topic_name);
    free(s);
}

/* --- the beginning ------------------------------------------------------------------------------------- */

static const struct source_kind kind = {
    .poll = poll_group,
    .read = read_all,
    .commit = commit,
    .reload = reload,
    .committed = committed,
    .first_offset = first_offset,
    .partition_n = partition_n,
    .leave = leave,
    .free = destroy,
};

static bool parse_start(const char *text, int64_t *ret_start_ms, struct err *e)
{
    static const struct config_row time = {"group", "start", CONFIG_TIME, "", "", 0};
    if (strcmp(text, "earliest") == 0)
        *ret_start_ms = START_EARLIEST;
    else if (strcmp(text, "latest") == 0)
        *ret_start_ms = START_LATEST;
    else if (!value_read(&time, str_of(text), ret_start_ms) || *ret_start_ms < 0)
        return err_refuse(e, "group.start is neither earliest nor latest nor a time: %s", text);
    return true;
}

static void set_group(rd_kafka_conf_t *rk_conf, const struct source_kafka_spec *spec)
{
    int64_t beat_ms = spec->conf->session_ms / 5;
    conf_kafka_set(rk_conf, "group.id", spec->group);
    if (spec->static_id) conf_kafka_set(rk_conf, "group.instance.id", spec->static_id);
    conf_kafka_set_int(rk_conf, "session.timeout.ms", spec->conf->session_ms);
    conf_kafka_set_int(rk_conf, "heartbeat.interval.ms", beat_ms < 3000 ? beat_ms : 3000);
    conf_kafka_set_int(rk_conf, "consume.callback.max.messages", CHUNK_RECORDS);
    rd_kafka_conf_set_rebalance_cb(rk_conf, on_rebalance);
    rd_kafka_conf_set_error_cb(rk_conf, on_error);
}

static rd_kafka_t *make_consumer(const struct source_kafka_spec *spec, struct source_kafka *s, struct err *e)
{
    char text[400];
    rd_kafka_conf_t *rk_conf = conf_kafka_make(spec->kafka, false, e);
    if (!rk_conf) return NULL;
    set_group(rk_conf, spec);
    rd_kafka_conf_set_opaque(rk_conf, s);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, rk_conf, text, sizeof text);
    if (rk) return rk;
    rd_kafka_conf_destroy(rk_conf);
    err_refuse(e, "librdkafka refuses the settings of [kafka]: %s", text);
    return NULL;
}

static void open_queues(struct source_kafka *s)
{
    static const uint64_t one = 1;
    s->wakeup_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(s->wakeup_fd >= 0);
    rd_kafka_poll_set_consumer(s->rk);
    s->group_events = rd_kafka_queue_get_consumer(s->rk);
    rd_kafka_queue_io_event_enable(s->group_events, s->wakeup_fd, &one, sizeof one);
    s->topic = rd_kafka_topic_new(s->rk, s->topic_name, NULL);
}

static void open_metrics(struct source_kafka *s, struct metrics *m)
{
    s->metrics = m;
    s->records_in = metrics_counter(m, "records_in_total", "", "Records read from Kafka");
    s->commits = metrics_counter(m, "commits_total", "", "Offset commits that the brokers took");
    s->rebalances = metrics_counter(m, "rebalances_total", "", "Assignments of partitions");
}

struct source *source_kafka_new(const struct source_kafka_spec *spec, struct err *e)
{
    struct source_kafka *s = mem_zero(1, sizeof *s);
    s->source.kind = &kind;
    s->session_ms = spec->conf->session_ms;
    s->polled_ms = clock_now_ms();
    if (!parse_start(spec->conf->start, &s->start_ms, e) || !(s->rk = make_consumer(spec, s, e))) {
        free(s);
        return NULL;
    }
    s->topic_name = mem_dup(spec->topic, strlen(spec->topic));
    open_queues(s);
    open_metrics(s, spec->metrics);
    return &s->source;
}
