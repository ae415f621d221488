#include "replay/replay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/dead_letter_json.h"
#include "io/input_gz.h"
#include "io/rows.h"
#include "replay/input_sorted.h"
#include "replay/input_topic.h"
#include "replay/job.h"
#include "replay/outbox.h"
#include "replay/pace.h"
#include "replay/progress.h"
#include "replay/tally.h"

#define ROW(name, type, fallback, field, help)                                                     \
    "replay", name, type, fallback, help, offsetof(struct replay_options, field)

const struct config_row replay_rows[] = {
    {ROW("job", CONFIG_STR, "", job,
         "name of the job, which resumes under it; empty = the file's base name, none for -")},
    {ROW("restart", CONFIG_BOOL, "no", restart, "forget the job's position and begin anew")},
    {ROW("speed", CONFIG_STR, "", speed, "pace by event time: 60x is an hour in a minute")},
    {ROW("rate", CONFIG_INT, "0", rate, "pace by rows per second"), .max = 100000000},
    {ROW("max", CONFIG_BOOL, "no", max, "as fast as it goes (also without --speed and --rate)")},
    {ROW("header", CONFIG_BOOL, "no", header, "the first line holds names, not a row")},
    {ROW("from", CONFIG_TIME, "1900-01-01", from_ms, "skip rows before this event time")},
    {ROW("until", CONFIG_TIME, "9999-12-31", until_ms, "skip rows from this event time on")},
    {ROW("limit", CONFIG_INT, "0", limit, "rows of the job, resumed runs together; 0 = all")},
    {ROW("loop", CONFIG_INT, "1", loop, "passes, each later than the one before; 0 = for ever")},
    {ROW("sort", CONFIG_BOOL, "no", sort, "sort by event time first, in memory")},
    {ROW("sort.bytes", CONFIG_BYTES, "4GiB", sort_bytes,
         "the most that --sort and topic:NAME hold in memory"),
     .min = 1, .max = INT64_C(1) << 40},
    {ROW("dry.run", CONFIG_BOOL, "no", dry_run, "read, validate and count, send nothing")},
    {ROW("strict", CONFIG_BOOL, "no", strict, "stop at the first bad row")},
    {ROW("rows.per.record", CONFIG_INT, "1", rows_per_record,
         "pack so many rows into a Kafka record"),
     .min = 1, .max = 4096},
    {ROW("max.jump", CONFIG_DURATION, "1d", max_jump_ms,
         "rows later than now by more than this are bad")},
    {0},
};

/* How long rows are kept: when they are paced, and else, since their transaction may be open and would time out. */
enum { COMMIT_EVERY_US = 10000, COMMIT_WITHIN_US = 1000000, LOOK_EVERY_ROWS = 64 };
enum { LOOK_EVERY_MS = 10 }; /* at the clock, while a pipe is silent */

struct replay {
    const struct replay_conf *conf; /* ref in caller */
    const char *path;               /* ref in caller */
    bool (*running)(void);
    char *topics[TOPICS_N]; /* own */
    struct decoder *decoder;
    struct sink_kafka *sink; /* NULL in a dry run, as is outbox */
    struct outbox *outbox;
    struct job job;
    struct rows *rows;
    struct event event; /* the row in hand; a local one would be zeroed for each row */
    struct tally tally;
    struct pace pace;
    struct progress progress;
    struct buf scratch; /* a shifted row, a dead letter, a line of text */
    int64_t committed_us;
    int64_t latest_ms; /* event time; later rows are bad */
};

static bool commit(struct replay *r, struct rows_place place, struct err *e)
{
    r->job.at.place = place;
    if (!r->outbox) return true;
    struct str key = str_of(r->job.key);
    bool good = outbox_commit(r->outbox, key, key.at ? job_record(&r->job) : (struct str){0}, e);
    r->committed_us = clock_now_us(); /* after it: slow commits are not to be of one row each */
    return good;
}

static bool waited(const struct replay *r)
{
    int64_t within_us = pace_paced(&r->pace) ? COMMIT_EVERY_US : COMMIT_WITHIN_US;
    return r->outbox && outbox_bytes(r->outbox) && clock_now_us() - r->committed_us >= within_us;
}

static bool commit_is_due(const struct replay *r)
{
    if (r->outbox && outbox_full(r->outbox)) return true;
    bool look = pace_paced(&r->pace) || r->tally.read_n % LOOK_EVERY_ROWS == 0;
    return look && waited(r);
}

/* An open transaction holds up all readers, and times out: rows that may have to wait for the next ones, by their pace or
 * in a pipe, are sent when they are committed. */
static bool pass_on(struct replay *r, struct err *e)
{
    if (commit_is_due(r)) return commit(r, rows_place(r->rows), e);
    bool may_wait = !r->outbox || pace_paced(&r->pace) || rows_may_wait(r->rows);
    return may_wait || outbox_send(r->outbox, e);
}

/* While a pipe is silent. */
static bool pass_on_in_time(struct replay *r, struct err *e)
{
    return !waited(r) || commit(r, rows_place(r->rows), e);
}

static void sleep_us(int64_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

static void show(struct replay *r, int64_t time_ms)
{
    progress_show(&r->progress, r->tally.read_n, rows_share(r->rows), time_ms);
}

/* Waits until a row may go; what came before it is not kept waiting. */
static bool wait_for_turn(struct replay *r, int64_t time_ms, struct err *e)
{
    if (!pace_paced(&r->pace)) return true;
    int64_t now = clock_now_us(), due = pace_due_us(&r->pace, time_ms, now);
    for (; now < due && r->running(); now = clock_now_us()) {
        if (commit_is_due(r) && !commit(r, rows_place_before(r->rows), e)) return false;
        show(r, time_ms);
        sleep_us(due - now < COMMIT_EVERY_US ? due - now : COMMIT_EVERY_US);
    }
    return true;
}

/* A later pass moves every row by the length of the log, or it would be late as a whole. */
static int64_t shift_ms(const struct bookmark *at)
{
    return at->loop ? at->loop * (at->last_ms - at->first_ms + 1000) : 0;
}

static struct str shifted(struct replay *r, struct str row, const struct event *event,
                          int64_t time_ms)
{
    static const int64_t per_ms[] = {[DECODE_S] = 0, [DECODE_MS] = 1, [DECODE_US] = 1000};
    struct str old = event->fields[event->columns->time];
    int64_t per = per_ms[r->conf->record.time_unit];
    int64_t value = per ? time_ms * per : watermark_floor(time_ms, 1000) / 1000;
    const char *behind = old.at + old.len;
    buf_clear(&r->scratch);
    buf_add(&r->scratch, row.at, (size_t)(old.at - row.at));
    buf_printf(&r->scratch, "%lld", (long long)value);
    buf_add(&r->scratch, behind, (size_t)(row.at + row.len - behind));
    return buf_str(&r->scratch);
}

/* The clock is asked only about rows that are later than the last answer allows. */
static bool too_far_ahead(struct replay *r, int64_t time_ms)
{
    if (time_ms <= r->latest_ms) return false;
    r->latest_ms = clock_wall_ms() + r->conf->replay.max_jump_ms;
    return time_ms > r->latest_ms;
}

/* What was read so far is good, and kept; the row in hand stops us. */
static bool stop_before(struct replay *r, struct err *e)
{
    return commit(r, rows_place_before(r->rows), e);
}

/* The clock of a topic never goes back: a pass must not drive it into the future. */
static bool check_pass(struct replay *r, int64_t time_ms, struct err *e)
{
    bool good =
        !r->job.at.loop || (!too_far_ahead(r, time_ms) && time_ms <= r->conf->record.time_max_ms);
    return good || (stop_before(r, e) &&
                    err_refuse(e,
                               "%s: pass %lld of --loop comes to rows later than now + max.jump "
                               "or record.time.max: loop less often, or raise them",
                               r->path, (long long)r->job.at.loop + 1));
}

static bool send(struct replay *r, struct str row, const struct event *event, struct err *e)
{
    struct bookmark *at = &r->job.at;
    if (event->time_ms < r->conf->replay.from_ms || event->time_ms >= r->conf->replay.until_ms)
        return r->tally.skipped_n++, true;
    if (at->loop == 0 && event->time_ms < at->first_ms) at->first_ms = event->time_ms;
    if (at->loop == 0 && event->time_ms > at->last_ms) at->last_ms = event->time_ms;
    int64_t time_ms = event->time_ms + shift_ms(at);
    if (!check_pass(r, time_ms, e) || !wait_for_turn(r, time_ms, e)) return false;
    int32_t partition = sink_kafka_partition_of(event->user, (int32_t)at->partitions);
    if (at->loop) row = shifted(r, row, event, time_ms);
    if (r->outbox) outbox_row(r->outbox, partition, event->user, row, time_ms);
    tally_sent(&r->tally, &r->conf->time, r->conf->window.slide_ms, partition, time_ms);
    at->sent++;
    if (at->sent % LOOK_EVERY_ROWS == 0) show(r, time_ms);
    return true;
}

static bool reject(struct replay *r, const struct row *row, enum decode_verdict why, struct err *e)
{
    char source[PATH_MAX + 32];
    snprintf(source, sizeof source, "%s:%lld", r->path, (long long)row->line);
    bool can_step_back = row->full_bytes <= ROWS_LONG_BYTES;
    if (r->conf->replay.strict)
        return (!can_step_back || stop_before(r, e)) &&
               err_refuse(e, "%s: bad row (%s); mend it, or leave out --strict to send it to %s",
                          source, decode_reason(why), r->topics[TOPICS_DEAD]);
    tally_bad(&r->tally, why);
    r->job.at.rejected++;
    if (!r->outbox) return true;
    dead_letter_json(&r->scratch, decode_reason(why), str_of(source), row->bytes);
    outbox_dead(r->outbox, str_of(source), buf_str(&r->scratch));
    return true;
}

static bool take(struct replay *r, const struct row *row, struct err *e)
{
    if (r->conf->replay.header && row->line == 1) return true;
    struct record record = {.timestamp_ms = -1};
    struct event *event = &r->event;
    r->tally.read_n++;
    enum decode_verdict verdict = decode_row(r->decoder, &record, row->bytes, 0, event);
    if (verdict == DECODE_GOOD && too_far_ahead(r, event->time_ms)) verdict = DECODE_AHEAD;
    bool taken =
        verdict == DECODE_GOOD ? send(r, row->bytes, event, e) : reject(r, row, verdict, e);
    return taken && pass_on(r, e);
}

static bool limit_reached(const struct replay *r)
{
    return r->conf->replay.limit && r->job.at.sent >= r->conf->replay.limit;
}

static const char topic[] = "topic:";

static bool from_topic(const struct replay *r)
{
    return strncmp(r->path, topic, sizeof topic - 1) == 0;
}

/* A wrong name is told before anything is made. */
static bool check_path(const struct replay *r, struct err *e)
{
    if (from_topic(r) || strcmp(r->path, "-") == 0 || access(r->path, R_OK) == 0) return true;
    return err_refuse(e, "%s: cannot be opened: %s", r->path, strerror(errno));
}

static bool open_rows(struct replay *r, struct err *e)
{
    const struct replay_options *o = &r->conf->replay;
    struct rows_input input;
    if (!(from_topic(r)
              ? input_topic(&r->conf->kafka, r->path + sizeof topic - 1, o->sort_bytes, &input, e)
              : input_gz(r->path, &input, e)))
        return false;
    if (o->sort && !input_sorted(&input, r->decoder, o->header, o->sort_bytes, e)) return false;
    r->rows = rows_new(input, e);
    return r->rows && rows_resume(r->rows, &r->job.at.place, e);
}

/* One pass over the log. *ret_whole: its end was reached. */
static bool pass(struct replay *r, bool *ret_whole, struct err *e)
{
    struct row row;
    enum rows_next next = ROWS_ROW;
    bool good = open_rows(r, e);
    while (good && (next == ROWS_ROW || next == ROWS_LATER) && r->running() && !limit_reached(r)) {
        next = rows_next_within(r->rows, LOOK_EVERY_MS, &row, e);
        if (next == ROWS_ROW) good = take(r, &row, e);
        if (next == ROWS_LATER) good = pass_on_in_time(r, e);
    }
    *ret_whole = next == ROWS_END;
    if (good)
        good = commit(r, rows_place(r->rows), e) &&
               next != ROWS_FAILED; /* rows before a broken place are good */
    rows_free(r->rows);
    r->rows = NULL;
    return good;
}

static bool all_passes(struct replay *r, struct err *e)
{
    for (bool whole = true; whole;) {
        if (!pass(r, &whole, e)) return false;
        bool last = r->conf->replay.loop && r->job.at.loop + 1 >= r->conf->replay.loop;
        bool nothing = r->job.at.first_ms > r->job.at.last_ms;
        if (last || nothing || limit_reached(r)) break;
        if (!whole) break;
        r->job.at.loop++;
        r->job.at.place = (struct rows_place){0};
    }
    return true;
}

static bool read_pace(struct replay *r, struct err *e)
{
    const struct replay_options *o = &r->conf->replay;
    char *end = NULL;
    r->pace.rate = o->rate;
    if (*o->speed) r->pace.speed = strtod(o->speed, &end);
    if (*o->speed && (end == o->speed || (strcmp(end, "x") != 0 && *end) ||
                      !(r->pace.speed > 0 && r->pace.speed <= 1e9)))
        return err_refuse(e, "--speed %s: expected a factor like 60x", o->speed);
    if ((*o->speed != '\0') + (o->rate > 0) + o->max > 1)
        return err_refuse(e, "--speed, --rate and --max exclude each other: give one");
    if (o->loop != 1 && r->conf->record.format == DECODE_JSON)
        return err_refuse(e, "--loop moves the time column, which it can do in CSV only");
    if (strcmp(r->path, "-") == 0 && o->loop != 1)
        return err_refuse(e, "--loop: standard input cannot be read twice");
    return true;
}

/* While it starts, the signal itself ends the process. */
static bool wait_for_brokers(void *self)
{
    const struct replay *r = self;
    return !r->rows || r->running();
}

static bool connect(struct replay *r, struct err *e)
{
    const struct replay_conf *conf = r->conf;
    unsigned set = 1u << TOPICS_EVENTS | 1u << TOPICS_DEAD | 1u << TOPICS_STATE;
    if (!topics_kafka_ensure(&conf->kafka, &conf->topics, set, e)) return false;
    /* The order matters: the new producer ends its predecessor's open transaction, then the position is final. */
    struct sink_kafka_spec spec = {.kafka = &conf->kafka,
                                   .transactional_id = r->job.transactional_id,
                                   .transaction_ms = 10000,
                                   .patience = {wait_for_brokers, r}};
    r->sink = sink_kafka_new(&spec, e);
    if (!r->sink || !job_load(&r->job, conf, r->topics[TOPICS_EVENTS], e)) return false;
    if (!r->job.key)
        log_warn("replay", "unnamed",
                 "note=\"without --job, exactly once ends with this process\"");
    struct outbox_conf out = {r->topics[TOPICS_EVENTS], r->topics[TOPICS_DEAD],
                              r->topics[TOPICS_STATE], (int32_t)r->job.at.partitions,
                              conf->replay.rows_per_record};
    r->outbox = outbox_new(&out, r->sink);
    return true;
}

static bool start(struct replay *r, struct err *e)
{
    for (int t = 0; t < TOPICS_N; t++) r->topics[t] = topics_kafka_name(&r->conf->topics, t);
    buf_init(&r->scratch, 4 * DECODE_ROW_MAX_BYTES);
    job_init(&r->job, r->conf, r->path, r->topics[TOPICS_EVENTS]);
    r->decoder = decode_new(&r->conf->record, e);
    if (!r->decoder || !read_pace(r, e) || !check_path(r, e)) return false;
    if (r->conf->replay.dry_run)
        r->job.at.partitions = r->conf->topics.partitions;
    else if (!connect(r, e))
        return false;
    tally_init(&r->tally, (int32_t)r->job.at.partitions);
    progress_init(&r->progress);
    r->committed_us = clock_now_us();
    return true;
}

static void finish(struct replay *r)
{
    tally_finish(&r->tally);
    outbox_free(r->outbox);
    sink_kafka_free(r->sink);
    decode_free(r->decoder);
    job_finish(&r->job);
    buf_finish(&r->scratch);
    for (int t = 0; t < TOPICS_N; t++) free(r->topics[t]);
}

static void report(struct replay *r, bool done)
{
    const char *event = !done ? "failed" : r->running() ? "done" : "stopped";
    progress_end(&r->progress);
    tally_text(&r->tally, &r->scratch);
    log_info("replay", event, "%s job_sent=%lld job_rejected=%lld line=%lld", r->scratch.at,
             (long long)r->job.at.sent, (long long)r->job.at.rejected,
             (long long)r->job.at.place.line);
}

bool replay_run(const struct replay_conf *conf, const char *path, bool (*running)(void),
                struct err *e)
{
    struct replay r = {.conf = conf, .path = path, .running = running, .latest_ms = INT64_MIN};
    bool done = start(&r, e);
    if (done) {
        done = all_passes(&r, e);
        report(&r, done);
    }
    finish(&r);
    return done;
}
