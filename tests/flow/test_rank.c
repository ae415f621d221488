/* Rows in, rankings out: weir-count and weir-rank, for every case in cases/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "daemon_double.h"
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
    return (struct count_parts){&conf->count, &conf->weight, &conf->window,       &conf->time,
                                &conf->input, &b->input,     kafka_double_sink(), b->daemon};
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

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What stands behind the row itself: ,"time":1000,"clock":2000} */
static char *late_line(size_t i)
{
    struct str key, value;
    kafka_double_message(TOPICS_LATE, i, &key, &value);
    char *copy = mem_dup(value.at, value.len), *times = strstr(copy, ",\"time\":");
    assert_non_null(times);
    char *line = mem_printf("%.*s %s", STR_ARGS(key), times + 1);
    free(copy);
    return line;
}

static void late(void *ctx, FILE *out)
{
    (void)ctx;
    size_t n = kafka_double_n(TOPICS_LATE);
    char **lines = mem_zero(n, sizeof lines[0]);
    for (size_t i = 0; i < n; i++) lines[i] = late_line(i);
    if (n) qsort(lines, n, sizeof lines[0], by_text);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
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

int main(void)
{
    const struct CMUnitTest ends[] = {
        cmocka_unit_test(a_batch_that_is_none_is_refused),
        cmocka_unit_test(who_slept_for_long_shows_nothing),
        cmocka_unit_test(without_an_epoch_nobody_begins),
        cmocka_unit_test(times_beyond_those_of_dates_are_refused),
    };
    return play_cases("rank", test) + cmocka_run_group_tests_name("ends", ends, NULL, NULL);
}
