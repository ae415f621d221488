/* A member of a consumer group. The group's events come from rd_kafka_consumer_poll(), records from the partitions'
 * own queues (partition_kafka); all queues write to one eventfd when they stop being empty, and there we sleep.
 *
 * Between the group's "these are yours" and rd_kafka_assign() the committed offsets are read (`loading`). That may
 * take a while (a predecessor's open transaction), so it is tried once per poll instead of inside the callback. A
 * reload is the same thing without the group. */
#include "io/source_kafka.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/fetch_kafka.h"
#include "io/loss_kafka.h"
#include "io/member_kafka.h"
#include "io/offsets_kafka.h"
#include "io/partition_kafka.h"
#include "io/trouble_kafka.h"

enum {
    ASK_MS = 5000,       /* one question to the brokers */
    ASK_OFTEN_MS = 1000, /* the same, when it is asked again in the next round */
    LOAD_MIN_MS = 30000, /* how long the committed offsets may stay out of reach, at least */
    LAG_MS = 1000,
};

const struct config_row source_kafka_rows[] = {
    {"group", "start", CONFIG_STR, "earliest",
     "where a group without offsets begins: earliest, latest or a time",
     offsetof(struct source_kafka_conf, start)},
    {"group", "session.timeout", CONFIG_DURATION, "10s",
     "a member that is silent for so long loses its partitions",
     offsetof(struct source_kafka_conf, session_ms), 1000, 60000},
    {0},
};

struct source_kafka {
    struct source source;
    struct member_kafka us;
    rd_kafka_topic_t *topic;                    /* own */
    rd_kafka_queue_t *group_events;             /* own */
    rd_kafka_consumer_group_metadata_t *member; /* own: of the present generation; NULL = none */
    char *topic_name;                           /* own */
    int wakeup_fd;                              /* own */
    int64_t start_ms;                           /* as of offsets_kafka_parse_start */
    struct patience patience;
    struct partition_kafka *parts; /* own */
    size_t part_n;
    struct fetch_kafka fetch;
    int32_t partition_n;
    bool subscribed, closed;
    bool loading; /* assigned by the group, not yet handed to the stage */
    bool ours;    /* the stage has them */
    bool reload;  /* asked for by the stage */
    int64_t loading_since_ms, lag_ms, commit_until_ms;
    struct trouble_kafka trouble;
    const struct stage *stage; /* ref, during source_poll and source_leave */
    struct err *err;           /* ref, the same */
    struct metrics *metrics;   /* ref in daemon */
    struct metric *records_in, *commits, *refused, *rebalances;
};

static struct source_kafka *self_of(struct source *s)
{
    return (struct source_kafka *)(void *)s;
}

static void on_error(rd_kafka_t *rk, int code, const char *text, void *opaque)
{
    (void)rk;
    struct source_kafka *s = opaque;
    (void)trouble_kafka_judge(&s->trouble, code, text, s->err); /* source_poll looks at err */
}

/* Ours, without offsets; the caller frees them. */
static struct checkpoint *our_points(const struct source_kafka *s)
{
    struct checkpoint *points = mem_zero(s->part_n + 1, sizeof *points);
    for (size_t i = 0; i < s->part_n; i++) points[i].partition = s->parts[i].id;
    return points;
}

/* --- records ----------------------------------------------------------------------------------------- */

static bool refuse_lost(struct source_kafka *s, struct err *e)
{
    struct checkpoint *points = our_points(s);
    loss_kafka_refuse(s->us.rk, s->topic_name, points, s->part_n, e);
    free(points);
    return false;
}

static bool read_all(struct source *source, const struct stage *stage, size_t max, struct err *e)
{
    struct source_kafka *s = self_of(source);
    bool out_of_range = false;
    struct partition_kafka_reader reader = {s->us.rk, s->topic,   &s->trouble,
                                            stage,    &s->reload, &out_of_range};
    for (size_t i = 0; i < s->part_n && s->ours && !s->reload; i++) {
        size_t n;
        bool ok = partition_kafka_read(&s->parts[i], &reader, max, &n, e);
        metrics_add(s->records_in, (int64_t)n);
        if (!ok) return false;
        if (out_of_range) return refuse_lost(s, e);
    }
    return true;
}

/* --- coming and going of partitions ---------------------------------------------------------------- */

static void show_lag(struct source_kafka *s)
{
    int64_t now_ms = clock_now_ms();
    if (!s->ours || now_ms - s->lag_ms < LAG_MS) return;
    s->lag_ms = now_ms;
    for (size_t i = 0; i < s->part_n; i++)
        partition_kafka_show_lag(&s->parts[i], s->us.rk, s->topic_name);
}

/* The member as it is in this generation, kept for transactions: librdkafka's own idea of it changes behind our
 * back when the group has thrown us out, up to "no member at all", which the brokers do not fence. */
static void take_parts(struct source_kafka *s, const rd_kafka_topic_partition_list_t *list)
{
    assert(s->part_n == 0);
    s->member = rd_kafka_consumer_group_metadata(s->us.rk);
    s->part_n = (size_t)list->cnt;
    s->parts = mem_zero(s->part_n + 1, sizeof *s->parts);
    for (size_t i = 0; i < s->part_n; i++)
        partition_kafka_take(&s->parts[i], s->us.rk, &list->elems[i], s->wakeup_fd, s->metrics);
    s->loading = true;
    s->loading_since_ms = clock_now_ms();
}

static void drop_parts(struct source_kafka *s)
{
    for (size_t i = 0; i < s->part_n; i++) partition_kafka_drop(&s->parts[i]);
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
    if (knows && !s->stage->revoked(s->stage->self, lost, s->err))
        assert(s->err->status != ERR_NONE);
    s->ours = false;
}

static void unassign(struct source_kafka *s)
{
    rd_kafka_resp_err_t code = rd_kafka_assign(s->us.rk, NULL);
    if (code) trouble_kafka_log(&s->trouble, code, "unassign");
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct source_kafka *s = opaque;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && s->stage) {
        metrics_add(s->rebalances, 1);
        take_parts(s, list);
        log_info("source_kafka", "assigned", "topic=%s partitions=%zu", s->topic_name, s->part_n);
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
    rd_kafka_resp_err_t code = rd_kafka_metadata(s->us.rk, 0, s->topic, &md, ASK_OFTEN_MS);
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
    rd_kafka_resp_err_t code = rd_kafka_assign(s->us.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR__FATAL) return trouble_kafka_fatal(&s->trouble, e);
    return code ? err_set(e, "cannot take partitions of %s: %s", s->topic_name,
                          rd_kafka_err2str(code))
                : true;
}

static bool hand_assignment(struct source_kafka *s, struct checkpoint *points, struct err *e)
{
    s->loading = false;
    s->ours = true;
    if (!s->stage->assigned(s->stage->self, points, s->part_n, e)) {
        unassign(s); /* librdkafka waits for an answer before it lets us leave */
        return false;
    }
    return begin(s, points, e);
}

static bool patient(const struct source_kafka *s)
{
    int64_t patience_ms = 2 * s->us.session_ms > LOAD_MIN_MS ? 2 * s->us.session_ms : LOAD_MIN_MS;
    return clock_now_ms() - s->loading_since_ms < patience_ms;
}

static bool load(struct source_kafka *s, struct err *e)
{
    struct checkpoint *points = our_points(s);
    struct err why = {0};
    enum offsets_kafka known = count_partitions(s, &why);
    if (known == OFFSETS_KAFKA_KNOWN)
        known =
            offsets_kafka_committed(s->us.rk, s->topic_name, points, s->part_n, ASK_OFTEN_MS, &why);
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
    rd_kafka_resp_err_t code = rd_kafka_subscribe(s->us.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code)
        return err_set(e, "cannot subscribe to %s: %s", s->topic_name, rd_kafka_err2str(code));
    s->subscribed = true;
    return true;
}

static bool must_not_sleep(const struct source_kafka *s)
{
    if (s->reload) return true;
    for (size_t i = 0; i < s->part_n; i++)
        if (s->ours && s->parts[i].waiting && partition_kafka_wanted(&s->parts[i], s->stage))
            return true;
    return false;
}

static void sleep_until_something(struct source_kafka *s, int64_t wait_ms)
{
    const struct fetch_kafka_of of = {s->us.rk, s->topic_name, s->parts, s->ours ? s->part_n : 0,
                                      s->stage};
    fetch_kafka_sleep(&s->fetch, &of, s->wakeup_fd, must_not_sleep(s) ? 0 : wait_ms);
}

static void serve_group(struct source_kafka *s)
{
    rd_kafka_message_t *m;
    while ((m = rd_kafka_consumer_poll(s->us.rk, 0))) {
        (void)trouble_kafka_judge(&s->trouble, m->err, rd_kafka_message_errstr(m), s->err);
        rd_kafka_message_destroy(m);
    }
    member_kafka_polled(&s->us);
}

static bool poll_group(struct source *source, const struct stage *stage, int64_t wait_ms,
                       struct err *e)
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
    if (e->status == ERR_NONE && !trouble_kafka_gone(&s->trouble, s->topic, e)) return false;
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

static bool wait_for_commit(void *self)
{
    struct source_kafka *s = self;
    return clock_now_ms() < s->commit_until_ms && patience_more(&s->patience);
}

static enum commit commit(struct source *source, const struct checkpoint *parts, size_t n,
                          struct err *e)
{
    struct source_kafka *s = self_of(source);
    if (member_kafka_overdue(&s->us)) return COMMIT_REFUSED;
    struct patience patience = {wait_for_commit, s};
    s->commit_until_ms = clock_now_ms() + s->us.session_ms;
    enum commit result = offsets_kafka_commit(s->us.rk, s->topic_name, parts, n, &patience, e);
    if (result == COMMIT_DONE) metrics_add(s->commits, 1);
    if (result == COMMIT_REFUSED) metrics_add(s->refused, 1);
    return result;
}

static bool committed(struct source *source, struct checkpoint *parts, size_t n, struct err *e)
{
    struct source_kafka *s = self_of(source);
    int64_t deadline_ms = clock_now_ms() + s->us.session_ms;
    for (;;) {
        struct err why = {0};
        enum offsets_kafka known =
            offsets_kafka_committed(s->us.rk, s->topic_name, parts, n, ASK_OFTEN_MS, &why);
        if (known == OFFSETS_KAFKA_KNOWN) return true;
        bool again = known == OFFSETS_KAFKA_LATER && clock_now_ms() < deadline_ms;
        if (again && patience_more(&s->patience)) continue;
        *e = why;
        return false;
    }
}

static int64_t first_offset(struct source *source, int32_t partition, struct err *e)
{
    struct source_kafka *s = self_of(source);
    return offsets_kafka_start(s->us.rk, s->topic_name, partition, s->start_ms, ASK_MS, e);
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
    return offsets_kafka_of_group(self_of(source)->us.rk, group, topic, part, ASK_MS, e);
}

bool source_kafka_trim(struct source *source, int32_t partition, int64_t offset, struct err *e)
{
    struct source_kafka *s = self_of(source);
    return offsets_kafka_trim(s->us.rk, s->topic_name, partition, offset, ASK_MS, e);
}

int64_t source_kafka_poll_age_ms(const struct source *source)
{
    return clock_now_ms() - ((const struct source_kafka *)(const void *)source)->us.polled_ms;
}

/* --- the end ------------------------------------------------------------------------------------------- */

static void serve_closing(void *ctx, rd_kafka_event_t *event)
{
    struct source_kafka *s = ctx;
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
        on_rebalance(s->us.rk, rd_kafka_event_error(event),
                     rd_kafka_event_topic_partition_list(event), s);
    rd_kafka_event_destroy(event);
}

static void close_group(struct source_kafka *s)
{
    if (s->closed) return;
    s->closed = true;
    if (s->loading) {
        drop_parts(s);
        unassign(s);
    }
    member_kafka_leave(&s->us, serve_closing, s);
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
    if (!member_kafka_end(&s->us, s->trouble.missing_ms != 0))
        log_warn("source_kafka", "close", "topic=%s text=\"left to the end of the process\"",
                 s->topic_name);
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

bool source_kafka_check(const struct source_kafka_conf *conf, struct err *e)
{
    int64_t start_ms;
    return offsets_kafka_parse_start(conf->start, &start_ms, e);
}

static bool open_member(struct source_kafka *s, const struct source_kafka_spec *spec, struct err *e)
{
    rd_kafka_conf_t *rk_conf = conf_kafka_make(spec->kafka, false, e);
    if (!rk_conf) return false;
    rd_kafka_conf_set_rebalance_cb(rk_conf, on_rebalance);
    rd_kafka_conf_set_error_cb(rk_conf, on_error);
    rd_kafka_conf_set_opaque(rk_conf, s);
    return member_kafka_open(&s->us, spec, rk_conf, e);
}

static void open_queues(struct source_kafka *s)
{
    static const uint64_t one = 1;
    s->wakeup_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(s->wakeup_fd >= 0);
    s->group_events = rd_kafka_queue_get_consumer(s->us.rk);
    rd_kafka_queue_io_event_enable(s->group_events, s->wakeup_fd, &one, sizeof one);
    s->topic = rd_kafka_topic_new(s->us.rk, s->topic_name, NULL);
}

static void open_metrics(struct source_kafka *s, struct metrics *m)
{
    s->metrics = m;
    s->records_in = metrics_counter(m, "records_in_total", "", "Records read from Kafka");
    s->commits = metrics_counter(m, "commits_total", "", "Offset commits that the brokers took");
    s->refused = metrics_counter(m, "commits_refused_total", "",
                                 "Offset commits that came too late: the partitions are another's");
    s->rebalances = metrics_counter(m, "rebalances_total", "", "Assignments of partitions");
}

struct source *source_kafka_new(const struct source_kafka_spec *spec, struct err *e)
{
    struct source_kafka *s = mem_zero(1, sizeof *s);
    s->source.kind = &kind;
    s->patience = spec->patience;
    if (!offsets_kafka_parse_start(spec->conf->start, &s->start_ms, e) ||
        !open_member(s, spec, e)) {
        free(s);
        return NULL;
    }
    s->topic_name = mem_dup(spec->topic, strlen(spec->topic));
    s->trouble =
        (struct trouble_kafka){.comp = "source_kafka", .subject = s->topic_name, .rk = s->us.rk};
    open_queues(s);
    open_metrics(s, spec->metrics);
    return &s->source;
}
