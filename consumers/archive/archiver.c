/* Rows are collected into one batch over all partitions. A batch is written as a whole: events, consumed, dead
 * letters, and only when all of that is acknowledged the offsets behind it are committed. Every one of these steps can
 * be repeated, so there is a single answer to every failure: keep the batch, stop reading when it is full, and
 * do all of it again after a pause. Nothing here waits: the group is served on while a store is away. */
#include "archive/archiver.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "consumers/bad_rows.h"
#include "consumers/start.h"
#include "flow/meta.h"

enum { META_VERSION = 1, BATCH_MAX_BYTES = 16 << 20 };

const struct config_row archiver_rows[] = {
    {"batch", "rows", CONFIG_INT, "2000", "a batch is written when it has so many rows",
     offsetof(struct archiver_conf, rows), 1, 50000},
    {"batch", "interval", CONFIG_DURATION, "200ms", "or when its first row has waited for so long",
     offsetof(struct archiver_conf, interval_ms), 1, 60000},
    {0},
};

/* Where one of our partitions stands. */
struct place {
    int32_t partition;
    int64_t next, committed; /* all rows below next are in the batch or written */
};

struct archiver {
    struct archiver_parts parts;
    char metadata[CHECKPOINT_METADATA_BYTES]; /* of every commit */
    struct place *places;                     /* own */
    size_t place_n;
    bool prepared, begun;
    int64_t row_n,
        since_ms; /* of the batch in hand; since_ms of its first row or uncommitted place */
    bool dirty;   /* a place is past what is committed */
    struct start_pause pause;
    struct backoff backoff;
    struct event event; /* the row in hand */
    struct {
        struct metric *in, *out, *bad[DECODE_N], *duplicates, *conflicts, *retries, *in_flight,
            *flush;
    } metric;
};

/* --- metadata: what makes an offset ours ------------------------------------------------------------ */

static void write_metadata(struct archiver *a)
{
    int64_t epoch = a->parts.input->epoch, digest = decode_digest(&a->parts.input_conf->record);
    const struct meta_field fields[] = {{"epoch", &epoch}, {"record", &digest}};
    meta_write(a->metadata, META_VERSION, fields, COUNT_OF(fields));
}

static bool check_metadata(const struct archiver *a, const struct checkpoint *part, struct err *e)
{
    int64_t epoch, digest;
    const struct meta_field fields[] = {{"epoch", &epoch}, {"record", &digest}};
    if (!meta_read(part->metadata, META_VERSION, fields, COUNT_OF(fields), e)) return false;
    if (epoch != a->parts.input->epoch)
        return err_refuse(
            e,
            "the group's offsets are of epoch %lld of the events, but this is epoch %lld: "
            "start afresh with weir-reset archive",
            (long long)epoch, (long long)a->parts.input->epoch);
    if (digest != decode_digest(&a->parts.input_conf->record))
        return err_refuse(
            e, "the [record] settings are not those that the archive was made with: restore them, "
               "or start afresh with weir-reset archive");
    return true;
}

/* --- the batch --------------------------------------------------------------------------------------- */

static void drop_batch(struct archiver *a)
{
    events_mongo_clear(a->parts.events);
    letters_clear(a->parts.letters);
    a->row_n = 0;
    metrics_set(a->metric.in_flight, 0);
}

static bool is_full(const struct archiver *a)
{
    size_t bytes = events_mongo_bytes(a->parts.events) + letters_bytes(a->parts.letters);
    return a->row_n >= a->parts.conf->rows || bytes >= BATCH_MAX_BYTES;
}

static void wait_begins(struct archiver *a)
{
    if (a->row_n == 0 && !a->dirty) a->since_ms = clock_now_ms();
}

static struct place *place_of(struct archiver *a, int32_t partition)
{
    size_t i = 0;
    while (i < a->place_n && a->places[i].partition != partition) i++;
    assert(i < a->place_n);
    return &a->places[i];
}

static void move(struct archiver *a, int32_t partition, int64_t next)
{
    struct place *p = place_of(a, partition);
    if (next <= p->next) return;
    p->next = next;
    a->dirty = true;
}

static void take_bad(struct archiver *a, enum decode_verdict verdict, struct position at,
                     struct str row)
{
    char id[EVENT_ID_BYTES];
    letters_add(a->parts.letters, decode_reason(verdict), event_id(at, a->parts.input->epoch, id),
                row);
    metrics_add(a->metric.bad[verdict], 1);
}

static bool take_record(void *self, const struct record *r, struct err *e)
{
    (void)e;
    struct archiver *a = self;
    wait_begins(a);
    struct str rest = r->value, row;
    int32_t index = -1;
    for (; decode_next_row(&rest, &row, &index); a->row_n++) {
        enum decode_verdict verdict = decode_row(a->parts.input->decoder, r, row, index, &a->event);
        if (verdict == DECODE_GOOD)
            events_mongo_add(a->parts.events, &a->event);
        else
            take_bad(a, verdict, (struct position){r->partition, r->offset, index}, row);
    }
    metrics_add(a->metric.in, index + 1);
    metrics_set(a->metric.in_flight, a->row_n);
    move(a, r->partition, r->offset + 1);
    return true;
}

static void take_end(void *self, int32_t partition, int64_t offset)
{
    wait_begins(self);
    move(self, partition, offset);
}

static bool wants(void *self, int32_t partition)
{
    (void)partition;
    struct archiver *a = self;
    return a->prepared && a->begun && !is_full(a);
}

/* --- writing it -------------------------------------------------------------------------------------- */

/* A failure that a pause may cure; e is cleared then. */
static bool again_later(struct archiver *a, const char *what, struct err *e)
{
    if (e->status != ERR_FAILED) return false;
    if (a->backoff.pause_ms == 0) log_warn("archive", what, "text=\"%s\"", e->text);
    *e = (struct err){0};
    backoff_failed(&a->backoff, clock_now_ms());
    metrics_add(a->metric.retries, 1);
    daemon_ready(a->parts.daemon, false);
    return true;
}

static void all_is_well(struct archiver *a)
{
    if (a->backoff.pause_ms)
        log_info("archive", "recovered", "rows_out=%lld", (long long)metrics_value(a->metric.out));
    backoff_done(&a->backoff);
    daemon_ready(a->parts.daemon, a->begun);
}

static void report(struct archiver *a, const struct events_mongo_report *r)
{
    metrics_add(a->metric.duplicates, (int64_t)r->duplicate_n);
    metrics_add(a->metric.conflicts, (int64_t)r->conflict_n);
    if (r->conflict_n)
        log_error("archive", "conflict", "n=%zu id=%s text=\"stored events differ from the log\"",
                  r->conflict_n, r->conflict_id);
}

/* False: with e set, the end; with e clear, not this time. */
static bool write_events(struct archiver *a, struct err *e)
{
    struct events_mongo_report r;
    enum client_mongo_answer answer = events_mongo_write(a->parts.events, &r, e);
    if (answer == CLIENT_MONGO_DONE || answer == CLIENT_MONGO_DUPLICATES) {
        report(a, &r);
        return true;
    }
    again_later(a, "write", e);
    return false;
}

static bool send_letters(struct archiver *a, struct err *e)
{
    bool again;
    if (letters_send(a->parts.letters, &again, e)) return true;
    if (again) again_later(a, "dead_letters", e);
    return false;
}

static bool commit(struct archiver *a, struct err *e)
{
    struct checkpoint *points = mem_zero(a->place_n, sizeof points[0]);
    size_t n = 0;
    for (size_t i = 0; i < a->place_n; i++) {
        const struct place *p = &a->places[i];
        if (p->next == p->committed) continue;
        struct checkpoint *c = &points[n++];
        *c = (struct checkpoint){.partition = p->partition, .offset = p->next};
        snprintf(c->metadata, sizeof c->metadata, "%s", a->metadata);
    }
    enum commit answer = n ? source_commit(a->parts.input->source, points, n, e) : COMMIT_DONE;
    free(points);
    if (answer == COMMIT_REFUSED) err_set(e, "the group is changing");
    if (answer != COMMIT_DONE) return again_later(a, "commit", e), false;
    for (size_t i = 0; i < a->place_n; i++) a->places[i].committed = a->places[i].next;
    a->dirty = false;
    return true;
}

/* False: with e set, the end; with e clear, not this time. What is done already is not forgotten, and harmless
 * to repeat. */
static bool flush(struct archiver *a, struct err *e)
{
    int64_t start_us = clock_now_us();
    int64_t event_n = (int64_t)events_mongo_n(a->parts.events);
    if (event_n && !write_events(a, e)) return false;
    if (!send_letters(a, e)) return false;
    metrics_add(a->metric.out, event_n);
    drop_batch(a);
    if (!commit(a, e)) return false;
    if (event_n) metrics_observe_us(a->metric.flush, clock_now_us() - start_us);
    all_is_well(a);
    return true;
}

/* --- coming and going -------------------------------------------------------------------------------- */

static bool store_is_empty(void *self, bool *ret_empty, struct err *e)
{
    struct archiver *a = self;
    return events_mongo_empty(a->parts.events, ret_empty, e);
}

static void take_places(struct archiver *a, const struct checkpoint *parts, size_t n)
{
    a->places = mem_resize(a->places, n + 1, sizeof a->places[0]);
    a->place_n = n;
    for (size_t i = 0; i < n; i++)
        a->places[i] = (struct place){parts[i].partition, parts[i].offset, parts[i].offset};
}

static bool assigned(void *self, struct checkpoint *parts, size_t n, struct err *e)
{
    struct archiver *a = self;
    const struct start_rule rule = {a->parts.input->source, "archive", a->metadata, store_is_empty,
                                    a};
    a->pause.until_ms = 0;
    enum start start = start_positions(&rule, parts, n, e);
    if (start == START_FAILED) return false;
    if (start == START_LATER) return start_put_off(&a->pause, "archive", parts, n, e), true;
    for (size_t i = 0; i < n; i++)
        if (!check_metadata(a, &parts[i], e)) return false;
    take_places(a, parts, n);
    a->begun = true;
    daemon_ready(a->parts.daemon, a->prepared && !a->backoff.pause_ms);
    return true;
}

static bool revoked(void *self, bool lost, struct err *e)
{
    struct archiver *a = self;
    bool ended = !lost && a->begun && !flush(a, e) && e->status != ERR_NONE;
    drop_batch(a);
    a->place_n = 0;
    a->begun = a->dirty = false;
    daemon_ready(a->parts.daemon, false);
    return !ended;
}

/* --- time -------------------------------------------------------------------------------------------- */

static bool prepare(struct archiver *a, struct err *e)
{
    if (!events_mongo_prepare(a->parts.events, a->parts.archive, e))
        return again_later(a, "prepare", e);
    a->prepared = true;
    all_is_well(a);
    return true;
}

/* How long the batch in hand, or what is uncommitted, may wait still; <= 0 = it is due. */
static int64_t due_in_ms(const struct archiver *a, int64_t now_ms)
{
    if (is_full(a)) return 0;
    return a->since_ms + a->parts.conf->interval_ms - now_ms;
}

static bool tick(void *self, int64_t now_ms, int64_t *ret_wait_ms, struct err *e)
{
    struct archiver *a = self;
    daemon_status(a->parts.daemon, "%lld rows archived", (long long)metrics_value(a->metric.out));
    if (backoff_left_ms(&a->backoff, now_ms)) return true;
    if (!a->prepared) return prepare(a, e);
    if (a->pause.until_ms) return start_again(&a->pause, a->parts.input->source, now_ms, e);
    if (!a->begun || (a->row_n == 0 && !a->dirty)) return true;
    *ret_wait_ms = due_in_ms(a, now_ms);
    return *ret_wait_ms > 0 || flush(a, e) || e->status == ERR_NONE;
}

/* --- the whole --------------------------------------------------------------------------------------- */

static void make_metrics(struct archiver *a)
{
    struct metrics *m = daemon_metrics(a->parts.daemon);
    a->metric.in = metrics_counter(m, "rows_in_total", "", "Rows read");
    a->metric.out = metrics_counter(m, "rows_out_total", "", "Rows that are safe in the store");
    bad_rows_counters(m, a->metric.bad);
    a->metric.duplicates =
        metrics_counter(m, "duplicates_total", "", "Events that were stored already");
    a->metric.conflicts =
        metrics_counter(m, "conflicts_total", "", "Events that are stored differently");
    a->metric.retries =
        metrics_counter(m, "retries_total", "", "Writes and commits to be repeated");
    a->metric.in_flight = metrics_gauge(m, "in_flight", "", "Rows in hand");
    a->metric.flush = metrics_histogram(m, "flush_seconds", "", "From a full batch to its commit");
}

struct archiver *archiver_new(const struct archiver_parts *parts)
{
    struct archiver *a = mem_zero(1, sizeof *a);
    a->parts = *parts;
    make_metrics(a);
    write_metadata(a);
    return a;
}

void archiver_free(struct archiver *a)
{
    if (!a) return;
    free(a->places);
    free(a);
}

struct stage archiver_stage(struct archiver *a)
{
    return (struct stage){
        .self = a,
        .assigned = assigned,
        .revoked = revoked,
        .record = take_record,
        .end = take_end,
        .wants = wants,
        .tick = tick,
    };
}
