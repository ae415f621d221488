/* A batch is complete before its transaction begins, so that the transaction is open for milliseconds: readers of the
 * panes wait behind open ones. Whatever goes wrong, the answer is one: nothing of the batch will ever be seen, so it is
 * forgotten, and what is committed is read back (reload).
 *
 * The offsets of all own partitions go into every transaction, also of those where nothing was read: they are what
 * fences a worker that has lost its partitions, and its lines must not be seen either. */
#include "count/count.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wire.h"
#include "consumers/bad_rows.h"
#include "consumers/start.h"
#include "consumers/watermark_gauge.h"
#include "count/late.h"
#include "count/ledger.h"
#include "flow/meta.h"
#include "flow/weights.h"
#include "io/state_kafka.h"

enum {
    HEARTBEAT_MS = 5000, /* a batch at least so often, be it empty */
    ASK_MIN_MS = 10,     /* how often weir-rank is looked at while we wait for it, */
    ASK_MAX_MS = 200,    /* ever less often while it stands */
    ROWS_MAX = 1000000,  /* per batch: keeps sums within BATCH_SUM_MAX */
    ENCODED_MAX_BYTES = 3 * 1024 * 1024,
};

static_assert((int64_t)ROWS_MAX * WEIGHTS_VALUE_MAX <= BATCH_SUM_MAX, "no sum exceeds its bound");

const struct config_row count_rows[] = {
    {"batch", "interval", CONFIG_DURATION, "1s", "a batch is written when its first row is so old",
     offsetof(struct count_conf, interval_ms), 1, 60000},
    {"batch", "bytes", CONFIG_BYTES, "1MiB", "or when it has grown so large",
     offsetof(struct count_conf, bytes), 1024, 2 * 1024 * 1024},
    {"limits", "skew", CONFIG_INT, "12",
     "a partition that is so many windows ahead of weir-rank waits for it",
     offsetof(struct count_conf, skew), 1, 1000000},
    {0},
};

struct count {
    struct count_parts parts;
    struct ledger ledger;
    bool catching_up;                /* the last batch was full, or cut for weir-rank to move */
    struct op_count *op;             /* own */
    struct late late;                /* own */
    struct event event;              /* the row in hand; a local one would be zeroed for each row */
    struct batch batch;              /* own: scratch */
    struct buf encoded;              /* own: scratch */
    char *panes, *late_topic, *rank; /* own: topics, group of weir-rank */
    bool begun;                      /* partitions are ours, and the group has begun */
    struct start_pause pause;
    int64_t pending_ms;         /* since when the first row of the batch in hand waits */
    int64_t told_ms;            /* when the last batch was written */
    int64_t fired_ms, asked_ms; /* F as weir-rank has committed it; when we asked */
    int64_t moved_ms;           /* when we last found it moved */
    int64_t limit_ms;           /* a partition with a clock beyond it is not read */
    struct tally {
        int64_t in, counted, bad[DECODE_N];
    } tally; /* of the batch in hand */
    struct {
        struct metric *in, *out, *late, *bad[DECODE_N], *in_flight, *batches, *flush, *waiting;
    } metric;
    struct watermark_gauge watermark;
};

/* --- partitions that ran ahead ------------------------------------------------------------------------ */

/* F trails every clock by the delay: without it a delay longer than the skew would stop all partitions for ever. */
static int64_t fired_limit(const struct count *c)
{
    if (c->fired_ms == WATERMARK_NONE) return INT64_MAX;
    return c->fired_ms + c->parts.time->delay_ms + c->parts.conf->skew * c->parts.window->size_ms;
}

static bool any_beyond(const struct count *c, int64_t limit_ms)
{
    for (size_t i = 0; i < c->ledger.n; i++)
        if (c->ledger.at[i].clock_ms > limit_ms) return true;
    return false;
}

/* A row that one of us takes for late the other would not, or the windows close too early. */
static bool check_lateness(const struct count *c, const struct checkpoint *mark, struct err *e)
{
    int64_t lateness_ms, here_ms = c->parts.time->lateness_ms;
    if (!meta_find(mark->metadata, "lateness", &lateness_ms) || lateness_ms == here_ms) return true;
    return err_refuse(
        e,
        "weir-rank works with a time.lateness of %lld ms, here it is %lld: set it alike "
        "and start afresh with weir-reset ranking",
        (long long)lateness_ms, (long long)here_ms);
}

static int64_t ask_every_ms(const struct count *c, int64_t now_ms)
{
    int64_t every_ms = (now_ms - c->moved_ms) / 4;
    if (every_ms > ASK_MAX_MS) return ASK_MAX_MS;
    return every_ms > ASK_MIN_MS ? every_ms : ASK_MIN_MS;
}

static bool ask_fired(struct count *c, int64_t now_ms, struct err *e)
{
    struct err ignored = {0}; /* what we knew stays true: F only grows */
    struct checkpoint mark = {.partition = 0};
    int64_t fired_ms;
    if (now_ms - c->asked_ms < ask_every_ms(c, now_ms)) return true;
    c->asked_ms = now_ms;
    if (!source_kafka_group_committed(c->parts.input->source, c->rank, c->panes, &mark, &ignored))
        return true;
    const int64_t most_ms = 2 * WINDOW_TIME_MAX_MS;
    bool said = meta_find(mark.metadata, "fired", &fired_ms);
    if (said && fired_ms > -most_ms && fired_ms < most_ms && fired_ms != c->fired_ms) {
        c->fired_ms = fired_ms;
        c->moved_ms = now_ms;
    }
    return check_lateness(c, &mark, e);
}

/* Rank keeps all panes from F on: what one partition is ahead of the slowest, it pays for in memory. The skew lets count
 * fill several batches while rank shows the one before. */
static bool set_limit(struct count *c, int64_t now_ms, struct err *e)
{
    bool unknown = c->fired_ms == WATERMARK_NONE && c->ledger.least_ms != WATERMARK_NONE;
    bool ask = unknown || any_beyond(c, fired_limit(c));
    if (ask && !ask_fired(c, now_ms, e)) return false;
    c->limit_ms = fired_limit(c);
    int64_t least_ms = c->ledger.least_ms;
    if (least_ms != WATERMARK_NONE && least_ms + c->parts.window->size_ms < c->limit_ms)
        c->limit_ms = least_ms + c->parts.window->size_ms;
    metrics_set(c->metric.waiting, any_beyond(c, c->limit_ms));
    return true;
}

static bool may_read(void *self, int32_t partition)
{
    struct count *c = self;
    return ledger_account(&c->ledger, partition)->clock_ms <= c->limit_ms;
}

static bool wants(void *self, int32_t partition)
{
    struct count *c = self;
    return c->begun && may_read(c, partition);
}

/* --- one transaction ---------------------------------------------------------------------------------- */

static void forget_batch(struct count *c)
{
    op_count_clear(c->op);
    late_clear(&c->late);
    c->tally = (struct tally){0};
    metrics_set(c->metric.in_flight, 0);
}

static void forget_all(struct count *c)
{
    forget_batch(c);
    ledger_close(&c->ledger);
    c->begun = false;
    daemon_ready(c->parts.daemon, false);
}

static void encode(struct count *c)
{
    struct batch *b = &c->batch;
    batch_clear(b);
    b->epoch = c->ledger.conf.epoch;
    b->slide_ms = c->parts.window->slide_ms;
    ledger_lines(&c->ledger, source_partition_n(c->parts.input->source), b);
    batch_encode_panes(b, op_count_panes(c->op), &c->encoded);
    assert(!c->encoded.overflow);
}

static enum txn put_all(struct count *c, struct err *e)
{
    const struct sink_kafka_message record = {c->panes, 0, {0}, buf_str(&c->encoded), 0};
    enum txn answer = sink_kafka_put(c->parts.sink, &record, e);
    for (size_t i = 0; answer == TXN_DONE && i < late_n(&c->late); i++) {
        struct sink_kafka_message row = {.topic = c->late_topic, .partition = -1};
        late_get(&c->late, i, &row.key, &row.value);
        answer = sink_kafka_put(c->parts.sink, &row, e);
    }
    return answer;
}

static enum txn put_offsets(struct count *c, struct err *e)
{
    struct checkpoint *marks = mem_zero(c->ledger.n, sizeof marks[0]);
    ledger_marks(&c->ledger, marks);
    enum txn answer =
        sink_kafka_offsets(c->parts.sink, c->parts.input->source, marks, c->ledger.n, e);
    free(marks);
    return answer;
}

static enum txn transact(struct count *c, struct err *e)
{
    encode(c);
    enum txn answer = sink_kafka_begin(c->parts.sink, e);
    if (answer == TXN_DONE) answer = put_all(c, e);
    if (answer == TXN_DONE) answer = put_offsets(c, e);
    return answer == TXN_DONE ? sink_kafka_commit(c->parts.sink, e) : answer;
}

static void report(struct count *c)
{
    metrics_add(c->metric.in, c->tally.in);
    metrics_add(c->metric.out, c->tally.counted);
    metrics_add(c->metric.late, (int64_t)late_n(&c->late));
    for (int i = DECODE_GOOD + 1; i < DECODE_N; i++) metrics_add(c->metric.bad[i], c->tally.bad[i]);
    watermark_gauge_set(&c->watermark, watermark_of(c->parts.time, c->ledger.least_ms));
    metrics_add(c->metric.batches, 1);
}

/* A transaction that outlives its time is aborted and its producer fenced. That is what becomes of a process that was
 * frozen in one: nobody has taken its place for good, so it may start again. */
static void tell_sleep(const struct count *c, struct err *e)
{
    int64_t age_ms = source_kafka_poll_age_ms(c->parts.input->source);
    if (e->status != ERR_FENCED || age_ms <= c->parts.input_conf->group.session_ms) return;
    *e = (struct err){0};
    err_set(e, "asleep for %lld ms in a transaction, longer than group.session.timeout",
            (long long)age_ms);
}

static bool is_full(const struct count *c)
{
    return c->tally.in >= ROWS_MAX ||
           op_count_bytes(c->op) + late_bytes(&c->late) >= (size_t)c->parts.conf->bytes;
}

/* False: with e set, the end; with e clear, the batch is forgotten and partitions will be assigned anew. */
static bool flush(struct count *c, struct err *e)
{
    int64_t start_us = clock_now_us();
    c->catching_up = is_full(c) || any_beyond(c, fired_limit(c));
    enum txn answer = transact(c, e);
    if (answer == TXN_FAILED) return tell_sleep(c, e), false;
    if (answer == TXN_ABORTED) {
        log_warn("count", "aborted", "rows=%lld text=\"the batch is forgotten and read again\"",
                 (long long)c->tally.in);
        forget_all(c);
        if (!source_reload(c->parts.input->source, e)) assert(e->status != ERR_NONE);
        return false;
    }
    report(c);
    metrics_observe_us(c->metric.flush, clock_now_us() - start_us);
    ledger_told(&c->ledger);
    forget_batch(c);
    c->told_ms = clock_now_ms();
    return true;
}

/* --- rows ---------------------------------------------------------------------------------------------- */

static void take_row(struct count *c, struct account *a, const struct record *r, struct str row,
                     int32_t index)
{
    struct event *event = &c->event;
    enum decode_verdict verdict = decode_row(c->parts.input->decoder, r, row, index, event);
    if (!c->tally.in++) c->pending_ms = clock_now_ms();
    if (verdict != DECODE_GOOD) {
        c->tally.bad[verdict]++;
        return;
    }
    int64_t clock_ms = a->clock_ms;
    ledger_seen(&c->ledger, a, event->time_ms);
    if (op_count_row(c->op, event, &a->clock_ms)) {
        c->tally.counted++;
        a->counted_n++;
    } else {
        late_add(&c->late, event, c->parts.input->epoch, clock_ms, row);
    }
}

static bool take_record(void *self, const struct record *r, struct err *e)
{
    struct count *c = self;
    struct account *a = ledger_account(&c->ledger, r->partition);
    int64_t decided = r->offset == a->offset ? a->row : 0;
    struct str rest = r->value, row;
    for (int32_t index = -1; decode_next_row(&rest, &row, &index);) {
        if (index < decided) continue;
        take_row(c, a, r, row, index);
        ledger_row(&c->ledger, a, r->offset, index);
        if (is_full(c) && !flush(c, e)) return e->status == ERR_NONE;
    }
    ledger_record(&c->ledger, a, r->offset);
    return true;
}

static void take_end(void *self, int32_t partition, int64_t offset)
{
    struct count *c = self;
    ledger_end(&c->ledger, ledger_account(&c->ledger, partition), offset, clock_now_ms());
}

/* --- coming and going ---------------------------------------------------------------------------------- */

/* That a group lost its offsets while the panes are full shows at weir-rank: the lines form no chain. */
static bool store_is_empty(void *self, bool *ret_empty, struct err *e)
{
    (void)self;
    (void)e;
    return *ret_empty = true;
}

static bool assigned(void *self, struct checkpoint *parts, size_t n, struct err *e)
{
    struct count *c = self;
    char first[CHECKPOINT_METADATA_BYTES];
    ledger_first(&c->ledger.conf, first);
    const struct start_rule rule = {c->parts.input->source, "ranking", first, store_is_empty, c};
    c->pause.until_ms = 0;
    enum start start = start_positions(&rule, parts, n, e);
    if (start == START_FAILED) return false;
    if (start == START_LATER) return start_put_off(&c->pause, "count", parts, n, e), true;
    if (!ledger_open(&c->ledger, parts, n, e)) return false;
    c->begun = true;
    c->limit_ms = INT64_MAX;
    c->told_ms = clock_now_ms();
    daemon_ready(c->parts.daemon, true);
    return true;
}

static bool revoked(void *self, bool lost, struct err *e)
{
    struct count *c = self;
    bool untold = c->begun && c->ledger.changed;
    bool ended = !lost && untold && !flush(c, e) && e->status != ERR_NONE;
    forget_all(c);
    return !ended;
}

/* --- time ------------------------------------------------------------------------------------------------ */

static bool all_wait(const struct count *c)
{
    for (size_t i = 0; i < c->ledger.n; i++)
        if (c->ledger.at[i].clock_ms <= c->limit_ms && !c->ledger.at[i].at_end) return false;
    return true;
}

/* How long until a batch is due. When no more rows can come before weir-rank moves, it must hear all that we know; and
 * whoever has caught up does not let the rest wait. */
static int64_t due_in_ms(const struct count *c, int64_t now_ms)
{
    if (!c->ledger.n) return HEARTBEAT_MS;
    int64_t interval_ms = c->parts.conf->interval_ms,
            heartbeat_ms = c->told_ms + HEARTBEAT_MS - now_ms;
    bool awaited = c->catching_up || any_beyond(c, fired_limit(c));
    if (c->tally.in && awaited && all_wait(c)) return 0;
    if (c->tally.in) return c->pending_ms + interval_ms - now_ms;
    return c->ledger.changed ? c->told_ms + interval_ms - now_ms : heartbeat_ms;
}

static bool tick(void *self, int64_t now_ms, int64_t *ret_wait_ms, struct err *e)
{
    struct count *c = self;
    metrics_set(c->metric.in_flight, c->tally.in);
    daemon_status(c->parts.daemon, "%lld rows counted", (long long)metrics_value(c->metric.out));
    if (!c->begun) return start_again(&c->pause, c->parts.input->source, now_ms, e);
    ledger_time(&c->ledger, now_ms, may_read, c);
    if (!set_limit(c, now_ms, e)) return false;
    int64_t due_ms = due_in_ms(c, now_ms), ask_ms = ask_every_ms(c, now_ms);
    if (any_beyond(c, fired_limit(c)) && ask_ms < *ret_wait_ms) *ret_wait_ms = ask_ms;
    if (due_ms <= 0) return flush(c, e) || e->status == ERR_NONE;
    if (due_ms < *ret_wait_ms) *ret_wait_ms = due_ms;
    return true;
}

/* --- the whole -------------------------------------------------------------------------------------------- */

static void make_metrics(struct count *c)
{
    struct metrics *m = daemon_metrics(c->parts.daemon);
    c->metric.in = metrics_counter(m, "rows_in_total", "", "Rows read");
    c->metric.out = metrics_counter(m, "rows_out_total", "", "Rows that are counted");
    c->metric.late = metrics_counter(m, "rows_late_total", "", "Rows that came too late");
    bad_rows_counters(m, c->metric.bad);
    watermark_gauge_init(&c->watermark, m, "");
    c->metric.in_flight = metrics_gauge(m, "in_flight", "", "Rows in hand");
    c->metric.batches = metrics_counter(m, "batches_total", "", "Batches written");
    c->metric.flush = metrics_histogram(m, "flush_seconds", "", "Writing a batch");
    c->metric.waiting =
        metrics_gauge(m, "waiting", "", "1 while a partition that ran ahead waits for others");
}

/* What decides about rows, beside epoch and slide. */
static int64_t digest_of(const struct count_parts *parts)
{
    struct buf b;
    buf_init(&b, 65536);
    wire_put_int(&b, decode_digest(&parts->input_conf->record));
    wire_put_int(&b, parts->time->delay_ms);
    wire_put_int(&b, parts->time->lateness_ms);
    wire_put_str(&b, str_of(parts->weight->behaviors));
    wire_put_int(&b, parts->weight->fallback);
    int64_t digest = (int64_t)(wire_hash(buf_str(&b)) >> 1);
    buf_finish(&b);
    return digest;
}

bool count_check(const struct count_parts *parts, struct err *e)
{
    if (!input_check(parts->input_conf, e) || !window_check(parts->window, e)) return false;
    struct op_count *op = op_count_new(parts->weight, parts->window, parts->time, e);
    op_count_free(op);
    return op != NULL;
}

static char *named(const struct count *c, enum topics_kafka which)
{
    return topics_kafka_name(&c->parts.input_conf->topics, which);
}

struct count *count_new(const struct count_parts *parts, struct err *e)
{
    const struct input_conf *conf = parts->input_conf;
    struct ledger_conf ledger = {parts->window, parts->time, 0, digest_of(parts)};
    if (!state_kafka_epoch(&conf->kafka, &conf->topics, "ranking", &ledger.epoch, e)) return NULL;
    struct op_count *op = op_count_new(parts->weight, parts->window, parts->time, e);
    if (!op) return NULL;
    struct count *c = mem_zero(1, sizeof *c);
    c->parts = *parts;
    c->op = op;
    c->fired_ms = WATERMARK_NONE;
    ledger_init(&c->ledger, &ledger);
    late_init(&c->late);
    buf_init(&c->encoded, ENCODED_MAX_BYTES);
    c->panes = named(c, TOPICS_PANES);
    c->late_topic = named(c, TOPICS_LATE);
    c->rank = mem_printf("%s-rank", conf->topics.prefix);
    make_metrics(c);
    return c;
}

void count_free(struct count *c)
{
    if (!c) return;
    ledger_finish(&c->ledger);
    op_count_free(c->op);
    late_finish(&c->late);
    batch_finish(&c->batch);
    buf_finish(&c->encoded);
    free(c->panes);
    free(c->late_topic);
    free(c->rank);
    free(c);
}

struct sink_kafka *count_sink(const struct input_conf *conf, struct daemon *d, struct err *e)
{
    char *id = mem_printf("%s-count-%s", conf->topics.prefix, daemon_instance(d));
    struct sink_kafka *sink = sink_kafka_new(
        &(struct sink_kafka_spec){
            .kafka = &conf->kafka,
            .transactional_id = id,
            .transaction_ms = conf->group.session_ms,
            .metrics = daemon_metrics(d),
            .patience = daemon_patience(d),
        },
        e);
    free(id);
    return sink;
}

struct stage count_stage(struct count *c)
{
    return (struct stage){
        .self = c,
        .assigned = assigned,
        .revoked = revoked,
        .record = take_record,
        .end = take_end,
        .wants = wants,
        .tick = tick,
    };
}
