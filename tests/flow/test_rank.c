/* Rows in, rankings out: weir-count and weir-rank, for every case in cases/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "clock_double.h"
#include "daemon_double.h"
#include "fate.h"
#include "flow/meta.h"
#include "kafka_double.h"
#include "play.h"
#include "redis_double.h"
#include "source_file.h"

struct bench {
    struct script script;
    struct play_conf conf;
    struct daemon *daemon;      /* what all counts of a run told */
    struct daemon *rank_daemon; /* what the last rank told */
    struct input input;
    struct play_actor actors[2];
};

/* --- the processes ------------------------------------------------------------------------------------------ */

static struct count_parts parts_of(struct bench *b)
{
    struct play_conf *conf = &b->conf;
    struct err e = {0};
    struct sink_kafka *sink = count_sink(&conf->input, b->daemon, &e);
    return (struct count_parts){&conf->count, &conf->weight, &conf->window, &conf->time,
                                &conf->input, &b->input,     sink,          b->daemon};
}

static void *birth_of_count(void *ctx, struct stage *ret_stage)
{
    struct bench *b = ctx;
    struct err e = {0};
    const struct count_parts parts = parts_of(b);
    if (!count_check(&parts, &e)) fail_msg("%s", e.text);
    struct count *count = count_new(&parts, &e);
    if (!count) fail_msg("%s", e.text);
    *ret_stage = count_stage(count);
    return count;
}

static void death_of_count(void *self)
{
    count_free(self);
}

static void *birth_of_rank(void *ctx, struct stage *ret_stage)
{
    struct bench *b = ctx;
    struct err e = {0};
    if (!rank_check(&b->conf.rank, &e)) fail_msg("%s", e.text);
    daemon_double_free(b->rank_daemon);
    b->rank_daemon = daemon_double_new();
    struct rank *rank = rank_new(&b->conf.rank, b->rank_daemon, &e);
    if (!rank) fail_msg("%s", e.text);
    assert_ptr_equal(rank_source(rank), kafka_double_panes());
    *ret_stage = rank_stage(rank);
    return rank;
}

static void death_of_rank(void *self)
{
    rank_free(self);
}

static void bench_init(struct bench *b, const char *name)
{
    memset(b, 0, sizeof *b);
    script_load(&b->script, name);
    play_conf_read(&b->conf, &b->script);
}

static void bench_finish(struct bench *b)
{
    play_conf_free(&b->conf);
    script_free(&b->script);
}

static void open_world(struct bench *b)
{
    struct err e = {0};
    kafka_double_open();
    redis_double_open("");
    b->daemon = daemon_double_new();
    b->input = (struct input){source_file_empty(b->script.partition_n),
                              decode_new(&b->conf.input.record, &e), 1};
    if (!b->input.decoder) fail_msg("%s", e.text);
    b->actors[0] = (struct play_actor){b->input.source, birth_of_count, death_of_count, .ctx = b};
    b->actors[1] =
        (struct play_actor){kafka_double_panes(), birth_of_rank, death_of_rank, .ctx = b};
}

static void close_world(struct bench *b)
{
    source_free(b->input.source);
    decode_free(b->input.decoder);
    daemon_double_free(b->daemon);
    daemon_double_free(b->rank_daemon);
    b->rank_daemon = NULL;
    kafka_double_close();
    redis_double_close();
}

/* --- what came out -------------------------------------------------------------------------------------------- */

static void published(void *ctx, FILE *out)
{
    (void)ctx;
    redis_double_changes(out);
}

static void rankings(void *ctx, FILE *out)
{
    (void)ctx;
    redis_double_windows(out);
}

/* What stands behind the row itself. */
static void late(void *ctx, FILE *out)
{
    (void)ctx;
    kafka_double_letters(TOPICS_LATE, "\"time\":", false, out);
}

/* The sum of all committed deltas. */
static void counted(void *ctx, FILE *out)
{
    (void)ctx;
    struct batch b = {0};
    struct err e = {0};
    const struct record *r;
    int64_t events = 0;
    for (int64_t i = 0; (r = source_file_record(kafka_double_panes(), 0, i)); i++) {
        if (!batch_decode(&b, r->value, &e)) fail_msg("%s", e.text);
        for (size_t j = 0; j < b.pane_n; j++) events += b.panes[j].events;
    }
    batch_finish(&b);
    fprintf(out, "%lld\n", (long long)events);
}

static int64_t frozen_n(const struct bench *b)
{
    return metrics_value(metrics_gauge(daemon_metrics(b->rank_daemon), "events_frozen", "", ""));
}

static void frozen(void *ctx, FILE *out)
{
    fprintf(out, "%lld\n", (long long)frozen_n(ctx));
}

static bool any_kill(const struct script *s)
{
    for (size_t i = 0; i < s->turn_n; i++)
        for (int32_t p = 0; p < s->partition_n; p++)
            if (script_line(s, i, p)->what == SCRIPT_KILL) return true;
    return false;
}

static void told(void *ctx, FILE *out)
{
    struct bench *b = ctx;
    struct metrics *m = daemon_metrics(b->daemon);
    int64_t bad = 0;
    for (int i = DECODE_GOOD + 1; i < DECODE_N; i++) {
        char *label = mem_printf("reason=\"%s\"", decode_reason((enum decode_verdict)i));
        bad += metrics_value(metrics_counter(m, "rows_bad_total", label, ""));
        free(label);
    }
    fprintf(out, "in %lld\ncounted %lld\nlate %lld\nbad %lld\n",
            (long long)metrics_value(metrics_counter(m, "rows_in_total", "", "")),
            (long long)metrics_value(metrics_counter(m, "rows_out_total", "", "")),
            (long long)metrics_value(metrics_counter(m, "rows_late_total", "", "")),
            (long long)bad);
}

/* --- the tests ------------------------------------------------------------------------------------------------- */

static void run(void *ctx, struct play_way way)
{
    struct bench *b = ctx;
    open_world(b);
    play_run(&(struct play){&b->script, &b->conf, b->input.source, b->actors, 2, way});
    script_compare(&b->script, "late", way.name, late, b);
    script_compare(&b->script, "counted", way.name, counted, b);
    script_compare(&b->script, "rankings", way.name, rankings, b);
    close_world(b);
}

static void test(void **name)
{
    struct bench b;
    bench_init(&b, *name);
    open_world(&b);
    play_run(&(struct play){&b.script, &b.conf, b.input.source, b.actors, 2, PLAY_UNDISTURBED});
    script_compare(&b.script, "late", "undisturbed", late, &b);
    script_compare(&b.script, "rankings", "undisturbed", rankings, &b);
    if (script_expects(&b.script, "published"))
        script_compare(&b.script, "published", "undisturbed", published, &b);
    script_compare(&b.script, "told", "undisturbed", told, &b);
    bool exact = !script_expects(&b.script, "frozen");
    if (exact) assert_int_equal(frozen_n(&b), 0);
    if (!exact && !any_kill(&b.script)) /* which begins to count anew */
        script_compare(&b.script, "frozen", "undisturbed", frozen, &b);
    close_world(&b);
    if (exact) play_everyway(&b.script, run, &b);
    bench_finish(&b);
}

/* --- what ends a process ----------------------------------------------------------------------------------------- */

static const char ordinary[] = "rows_in_order_fill_every_window";

static void expect_end(struct bench *b, enum err_status status, const char *text)
{
    struct err e = {0};
    struct play p = {&b->script, &b->conf, b->input.source, b->actors, 2, PLAY_UNDISTURBED};
    play_to_error(&p, NULL, &e);
    assert_int_equal(e.status, status);
    assert_non_null(strstr(e.text, text));
}

static void a_batch_that_is_none_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, ordinary);
    open_world(&b);
    source_file_append(kafka_double_panes(), &(struct record){.value = str_of("no batch")});
    expect_end(&b, ERR_REFUSED, "offset 0 of the panes holds");
    close_world(&b);
    bench_finish(&b);
}

static void who_slept_for_long_shows_nothing(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, ordinary);
    b.conf.rank.group.session_ms = 6000;
    open_world(&b);
    kafka_double_sleep(6001);
    expect_end(&b, ERR_FAILED, "asleep for 6001 ms");
    FILE *out = tmpfile();
    redis_double_windows(out);
    assert_int_equal(ftell(out), 0);
    fclose(out);
    close_world(&b);
    bench_finish(&b);
}

static void without_an_epoch_nobody_begins(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, ordinary);
    open_world(&b);
    struct err e = {0};
    kafka_double_refuse_epochs();
    assert_null(rank_new(&b.conf.rank, b.daemon, &e));
    assert_int_equal(e.status, ERR_FAILED);
    e = (struct err){0};
    const struct count_parts parts = parts_of(&b);
    assert_null(count_new(&parts, &e));
    assert_int_equal(e.status, ERR_FAILED);
    close_world(&b);
    bench_finish(&b);
}

static void times_beyond_those_of_dates_are_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, ordinary);
    open_world(&b);
    struct err e = {0};
    const struct count_parts parts = parts_of(&b);
    b.conf.input.record.time_max_ms = WINDOW_TIME_MAX_MS;
    assert_true(count_check(&parts, &e));
    b.conf.input.record.time_max_ms++;
    assert_false(count_check(&parts, &e));
    assert_int_equal(e.status, ERR_REFUSED);
    close_world(&b);
    bench_finish(&b);
}

static void is_refused(struct bench *b, size_t who, const char *text)
{
    struct play_actor *a = &b->actors[who];
    struct err e = {0};
    play_birth(a);
    assert_false(source_poll(a->source, &a->stage, 0, &e));
    assert_int_equal(e.status, ERR_REFUSED);
    if (!strstr(e.text, text)) fail_msg("%s", e.text);
    play_death(a);
}

/* Both read them back after each change, and once more as they were. */
static void offsets_of_other_settings_are_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, ordinary);
    open_world(&b);
    play_run(&(struct play){&b.script, &b.conf, b.input.source, b.actors, 2, PLAY_UNDISTURBED});
    int64_t *const rules[] = {&b.conf.time.delay_ms, &b.conf.time.lateness_ms,
                              &b.conf.weight.fallback, &b.conf.input.record.time_max_ms};
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        ++*rules[i];
        is_refused(&b, 0, "digest of [record], [time] and [weight]");
        --*rules[i];
    }
    const struct {
        int64_t *number, other;
        const char *name;
    } settings[] = {{&b.conf.rank.window.slide_ms, 5000, "window.slide in ms"},
                    {&b.conf.rank.window.size_ms, 60000, "window.size in ms"},
                    {&b.conf.rank.time.lateness_ms, 1, "time.lateness in ms"}};
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        int64_t kept = *settings[i].number;
        *settings[i].number = settings[i].other;
        is_refused(&b, 1, settings[i].name);
        *settings[i].number = kept;
    }
    for (size_t i = 0; i < 2; i++) {
        play_birth(&b.actors[i]);
        play_round(&b.actors[i], 0);
        play_death(&b.actors[i]);
    }
    close_world(&b);
    bench_finish(&b);
}

static void count_and_rank_agree_on_lateness(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, ordinary);
    b.conf.rank.time.lateness_ms--;
    open_world(&b);
    expect_end(&b, ERR_REFUSED,
               "weir-rank works with a time.lateness of 19999 ms, here it is 20000");
    close_world(&b);
    bench_finish(&b);
}

/* Nobody can have shown windows of such times: as if weir-rank had said nothing. */
static void what_rank_cannot_have_shown_is_not_believed(void **state)
{
    (void)state;
    const int64_t most = 2 * WINDOW_TIME_MAX_MS;
    const struct {
        int64_t fired_ms;
        bool good;
    } cases[] = {{most, false}, {-most, false}, {-most + 1, true}, {INT64_MIN, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bench b;
        bench_init(&b, ordinary);
        open_world(&b);
        b.actors[0].records_max = 100;
        play_birth(&b.actors[0]);
        struct checkpoint mark = {.partition = 0};
        meta_write(mark.metadata, 1,
                   (const struct meta_field[]){{"fired", &(int64_t){cases[i].fired_ms}}}, 1);
        source_file_keep(kafka_double_panes(), &mark, 1);
        for (int n = 0; n < 4; n++) {
            source_file_append(b.input.source, &(struct record){.value = str_of("u,a,pv,5")});
            play_round(&b.actors[0], 200);
        }
        bool waits = source_file_handed(b.input.source) < 4;
        assert_int_equal(waits, cases[i].good);
        play_death(&b.actors[0]);
        close_world(&b);
        bench_finish(&b);
    }
}

/* --- when it happens, and what is told of it ---------------------------------------------------------------------- */

static void live(struct bench *b, const char *name)
{
    bench_init(b, name);
    open_world(b);
    for (size_t i = 0; i < 2; i++) {
        b->actors[i].records_max = 100;
        play_birth(&b->actors[i]);
    }
}

static void end(struct bench *b)
{
    for (size_t i = 0; i < 2; i++) play_death(&b->actors[i]);
    close_world(b);
    bench_finish(b);
}

static void append(struct bench *b, int32_t partition, const char *value)
{
    source_file_append(b->input.source,
                       &(struct record){.partition = partition, .value = str_of(value)});
}

static int64_t count_goes(struct bench *b, int64_t ms)
{
    return play_round(&b->actors[0], ms);
}

static int64_t rank_goes(struct bench *b, int64_t ms)
{
    return play_round(&b->actors[1], ms);
}

static int tells(struct daemon *d, const char *name)
{
    return (int)daemon_double_told(d, name);
}

static void a_batch_waits_for_its_first_row_and_none_for_a_heartbeat(void **state)
{
    (void)state;
    struct bench b;
    live(&b, ordinary);
    assert_false(daemon_double_ready(b.daemon));
    assert_int_equal(count_goes(&b, 0), 1000); /* to tell who has the partition */
    assert_true(daemon_double_ready(b.daemon));
    assert_int_equal(count_goes(&b, 999), 1);
    count_goes(&b, 1);
    assert_int_equal(tells(b.daemon, "batches_total"), 1);
    assert_int_equal(count_goes(&b, 0), 5000);
    append(&b, 0, "u,a,pv,1");
    assert_int_equal(count_goes(&b, 100), 1000);
    append(&b, 0, "u,a,pv,2\nu,a,pv");
    assert_int_equal(count_goes(&b, 400), 600);
    assert_int_equal(tells(b.daemon, "in_flight"), 3);
    assert_int_equal(tells(b.daemon, "rows_in_total"), 0);
    count_goes(&b, 600);
    assert_int_equal(tells(b.daemon, "batches_total"), 2);
    assert_int_equal(tells(b.daemon, "in_flight"), 0);
    assert_int_equal(tells(b.daemon, "rows_in_total"), 3);
    assert_int_equal(tells(b.daemon, "rows_out_total"), 2);
    assert_int_equal(tells(b.daemon, "rows_bad_total"), 1);
    assert_int_equal(tells(b.daemon, "watermark_ms"), 2000 - 5000);
    assert_int_equal(count_goes(&b, 0), 5000);
    assert_int_equal(count_goes(&b, 4999), 1);
    count_goes(&b, 1);
    assert_int_equal(tells(b.daemon, "batches_total"), 3);
    assert_int_equal(tells(b.daemon, "flush_seconds_count"), 3);
    assert_int_equal(tells(b.daemon, "flush_seconds_sum"), 0); /* no time passed meanwhile */
    end(&b);
}

static void a_batch_ends_when_it_is_full(void **state)
{
    (void)state;
    struct bench b;
    live(&b, ordinary);
    b.conf.count.bytes = 1;
    append(&b, 0, "u,a,pv,1\nu,b,pv,1\nu,a,pv,1");
    count_goes(&b, 0);
    assert_int_equal(tells(b.daemon, "batches_total"), 3);
    assert_int_equal(tells(b.daemon, "rows_out_total"), 3);
    end(&b);
}

static void who_has_caught_up_does_not_let_the_rest_wait(void **state)
{
    (void)state;
    struct bench b;
    live(&b, ordinary);
    b.conf.count.bytes = 40; /* two items */
    append(&b, 0, "u,a,pv,1\nu,b,pv,1\nu,c,pv,1");
    count_goes(&b, 0);
    assert_int_equal(tells(b.daemon, "batches_total"), 2);
    assert_int_equal(tells(b.daemon, "rows_out_total"), 3);
    append(&b, 0, "u,d,pv,1");
    assert_int_equal(count_goes(&b, 0), 1000); /* the last one was not full */
    assert_int_equal(tells(b.daemon, "batches_total"), 2);
    end(&b);
}

static void a_partition_is_read_to_a_window_ahead_of_the_slowest(void **state)
{
    (void)state;
    struct bench b;
    live(&b, "a_partition_far_ahead_waits_for_the_others");
    append(&b, 0, "u,a,pv,5");
    append(&b, 1, "u,a,pv,5");
    count_goes(&b, 0);
    append(&b, 0, "u,a,pv,35");
    append(&b, 0, "u,a,pv,36");
    append(&b, 0, "u,a,pv,37");
    count_goes(&b, 0);
    assert_int_equal(source_file_handed(b.input.source), 4); /* 36 is beyond 5 + 30 */
    assert_int_equal(tells(b.daemon, "waiting"), 1);
    append(&b, 1, "u,a,pv,6");
    count_goes(&b, 0);
    assert_int_equal(source_file_handed(b.input.source), 5);
    assert_int_equal(tells(b.daemon, "waiting"), 0); /* 36 is not beyond 6 + 30 */
    count_goes(&b, 0);
    assert_int_equal(source_file_handed(b.input.source), 6);
    assert_int_equal(tells(b.daemon, "waiting"), 1);
    end(&b);
}

static void a_partition_is_read_to_the_skew_ahead_of_what_is_shown(void **state)
{
    (void)state;
    struct bench b;
    live(&b, ordinary);
    b.conf.count.skew = 1;
    append(&b, 0, "u,a,pv,5");
    append(&b, 0, "u,a,pv,20");
    count_goes(&b, 0);
    count_goes(&b, 1000);
    rank_goes(&b, 0); /* F = 10 */
    rank_goes(&b, 100);
    count_goes(&b, 200); /* looks it up: 10 + 5 + 30 = 45 */
    append(&b, 0, "u,a,pv,45");
    append(&b, 0, "u,a,pv,46");
    append(&b, 0, "u,a,pv,47");
    count_goes(&b, 0);
    assert_int_equal(source_file_handed(b.input.source), 4);
    assert_int_equal(tells(b.daemon, "waiting"), 1);
    assert_int_equal(tells(b.daemon, "batches_total"), 2); /* at once: nobody else can move F */
    count_goes(&b, 200);
    count_goes(&b, 200);
    assert_int_equal(source_file_handed(b.input.source), 4);
    rank_goes(&b, 0); /* F = 40 */
    rank_goes(&b, 100);
    count_goes(&b, 32);
    count_goes(&b, 0);
    assert_int_equal(source_file_handed(b.input.source), 4);
    count_goes(&b, 1); /* asks again when F has stood for a quarter longer */
    count_goes(&b, 0);
    assert_int_equal(source_file_handed(b.input.source), 5);
    assert_int_equal(tells(b.daemon, "waiting"), 0);
    end(&b);
}

/* Three windows are due, which rank reads in its next round. */
static void offer_windows(struct bench *b)
{
    append(b, 0, "u,a,pv,5");
    append(b, 0, "u,b,buy,40");
    count_goes(b, 0);
    count_goes(b, 1000);
    rank_goes(b, 0); /* its round was over long ago */
}

static int64_t panes_commit_n(void)
{
    return source_file_commit_n(kafka_double_panes());
}

static void rank_shows_and_commits_in_its_time(void **state)
{
    (void)state;
    struct bench b;
    live(&b, ordinary);
    assert_int_equal(rank_goes(&b, 0), 1000);
    assert_true(daemon_double_ready(b.rank_daemon));
    int64_t commit_n = panes_commit_n();
    offer_windows(&b);
    rank_goes(&b, 0); /* F has moved */
    assert_int_equal(panes_commit_n(), commit_n + 1);
    rank_goes(&b, 0);
    struct daemon *d = b.rank_daemon;
    assert_int_equal(tells(d, "window_end_ms"), 30000);
    assert_int_equal(tells(d, "watermark_ms"), 35000);
    assert_int_equal(tells(d, "events"), 2);
    assert_int_equal(tells(d, "panes"), 2);
    assert_int_equal(tells(d, "items"), 2);
    assert_int_equal(tells(d, "events_frozen"), 0);
    assert_int_equal(tells(d, "retries_total"), 0);
    assert_int_equal(tells(d, "windows_shown_total"), 3); /* those that end at 10, 20 and 30 */
    rank_goes(&b, 4999);
    rank_goes(&b, 0);
    assert_int_equal(tells(d, "windows_shown_total"), 3);
    rank_goes(&b, 1);
    rank_goes(&b, 0);
    assert_int_equal(tells(d, "windows_shown_total"), 5); /* 10 is frozen */
    assert_int_equal(tells(d, "windows_stale_total"), 0);
    assert_int_equal(tells(d, "flush_seconds_count"), 2);
    assert_int_equal(tells(d, "flush_seconds_sum"), 0); /* no time passed meanwhile */
    assert_int_equal(panes_commit_n(), commit_n + 1);
    end(&b);
}

static void rank_commits_a_moved_window_soon_and_the_rest_later(void **state)
{
    (void)state;
    struct bench b;
    live(&b, ordinary);
    rank_goes(&b, 0);
    offer_windows(&b);
    rank_goes(&b, 0);
    int64_t commit_n = panes_commit_n();
    append(&b, 0, "u,b,buy,41"); /* nothing becomes due */
    count_goes(&b, 0);
    count_goes(&b, 1000);
    rank_goes(&b, 0);
    rank_goes(&b, 0);
    assert_int_equal(panes_commit_n(), commit_n + 1); /* a second has passed */
    append(&b, 0, "u,b,buy,42");
    count_goes(&b, 0);
    b.conf.count.interval_ms = 10;
    count_goes(&b, 10);
    assert_int_equal(rank_goes(&b, 0), 990);
    assert_int_equal(rank_goes(&b, 489), 501);
    append(&b, 0, "u,b,buy,45"); /* F = 40 */
    count_goes(&b, 0);
    count_goes(&b, 10);
    rank_goes(&b, 0);
    assert_int_equal(panes_commit_n(), commit_n + 2);
    append(&b, 0, "u,b,buy,55");
    count_goes(&b, 0);
    count_goes(&b, 10);
    assert_int_equal(rank_goes(&b, 0), 10);
    rank_goes(&b, 9);
    assert_int_equal(panes_commit_n(), commit_n + 2);
    rank_goes(&b, 1);
    assert_int_equal(panes_commit_n(), commit_n + 3);
    end(&b);
}

static void what_nobody_needs_is_deleted_once_a_minute(void **state)
{
    (void)state;
    struct bench b;
    live(&b, ordinary);
    rank_goes(&b, 0);
    int64_t begin_ms = clock_now_ms();
    offer_windows(&b);
    rank_goes(&b, 0);
    append(&b, 0, "u,b,buy,200"); /* all before is frozen */
    count_goes(&b, 0);
    count_goes(&b, 1000);
    rank_goes(&b, 0);
    rank_goes(&b, 0);
    rank_goes(&b, 1000);
    rank_goes(&b, begin_ms + 59999 - clock_now_ms());
    assert_int_equal(kafka_double_trimmed(), 0);
    rank_goes(&b, 1);
    assert_int_equal(kafka_double_trimmed(), 1);
    end(&b);
}

static void whoever_slept_as_long_as_a_session_may_go_on(void **state)
{
    (void)state;
    struct bench b;
    live(&b, ordinary);
    b.conf.rank.group.session_ms = 6000;
    kafka_double_sleep(6000);
    offer_windows(&b);
    rank_goes(&b, 0);
    rank_goes(&b, 0);
    assert_int_equal(tells(b.rank_daemon, "window_end_ms"), 30000);
    end(&b);
}

static void a_sleep_in_a_transaction_is_no_fence(void **state)
{
    (void)state;
    for (int64_t age_ms = 6000; age_ms <= 6001; age_ms++) {
        struct bench b;
        struct err e = {0};
        int64_t wait_ms = 0;
        live(&b, ordinary);
        b.conf.input.group.session_ms = 6000;
        count_goes(&b, 0);
        kafka_double_sleep(age_ms);
        clock_double_pass(1000);
        fate_set(FATE_DEATH, 1);
        assert_false(b.actors[0].stage.tick(b.actors[0].self, clock_now_ms(), &wait_ms, &e));
        assert_int_equal(e.status, age_ms > 6000 ? ERR_FAILED : ERR_FENCED);
        fate_set(FATE_NONE, 0);
        end(&b);
    }
}

static void what_rank_fails_to_do_it_does_after_a_pause(void **state)
{
    (void)state;
    for (int64_t k = 1;; k++) {
        struct bench b;
        live(&b, ordinary);
        rank_goes(&b, 0);
        offer_windows(&b);
        fate_set(FATE_FAILURE, k);
        rank_goes(&b, 0);
        bool struck = fate_is(FATE_FAILURE);
        fate_set(FATE_NONE, 0);
        assert_int_equal(tells(b.rank_daemon, "retries_total"), struck);
        assert_int_equal(daemon_double_ready(b.rank_daemon), !struck);
        if (struck) rank_goes(&b, 49); /* at least half of the first pause */
        assert_int_equal(daemon_double_ready(b.rank_daemon), !struck);
        if (struck) rank_goes(&b, 51);
        assert_true(daemon_double_ready(b.rank_daemon));
        end(&b);
        if (!struck) break;
    }
}

int main(void)
{
    const struct CMUnitTest ends[] = {
        cmocka_unit_test(a_batch_that_is_none_is_refused),
        cmocka_unit_test(who_slept_for_long_shows_nothing),
        cmocka_unit_test(without_an_epoch_nobody_begins),
        cmocka_unit_test(times_beyond_those_of_dates_are_refused),
        cmocka_unit_test(offsets_of_other_settings_are_refused),
        cmocka_unit_test(count_and_rank_agree_on_lateness),
        cmocka_unit_test(what_rank_cannot_have_shown_is_not_believed),
        cmocka_unit_test(a_batch_waits_for_its_first_row_and_none_for_a_heartbeat),
        cmocka_unit_test(a_batch_ends_when_it_is_full),
        cmocka_unit_test(who_has_caught_up_does_not_let_the_rest_wait),
        cmocka_unit_test(a_partition_is_read_to_a_window_ahead_of_the_slowest),
        cmocka_unit_test(a_partition_is_read_to_the_skew_ahead_of_what_is_shown),
        cmocka_unit_test(rank_shows_and_commits_in_its_time),
        cmocka_unit_test(rank_commits_a_moved_window_soon_and_the_rest_later),
        cmocka_unit_test(what_nobody_needs_is_deleted_once_a_minute),
        cmocka_unit_test(whoever_slept_as_long_as_a_session_may_go_on),
        cmocka_unit_test(a_sleep_in_a_transaction_is_no_fence),
        cmocka_unit_test(what_rank_fails_to_do_it_does_after_a_pause),
    };
    return play_cases("rank", test) + cmocka_run_group_tests_name("ends", ends, NULL, NULL);
}
