/* Rows in, documents and dead letters out: weir-archive, for every case in cases/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/archiver.h"
#include "archive_double.h"
#include "base/mem.h"
#include "daemon_double.h"
#include "kafka_double.h"
#include "play.h"
#include "source_file.h"

struct bench {
    struct script script;
    struct play_conf conf;
    struct archiver_conf batch;
    struct events_mongo_conf archive;
    struct daemon *daemon;
    struct input input;
    struct play_actor actor;
};

struct process {
    struct events_mongo *events;
    struct letters *letters;
    struct archiver *archiver;
};

static void *birth(void *ctx, struct stage *ret_stage)
{
    struct bench *b = ctx;
    struct err e = {0};
    struct process *p = mem_zero(1, sizeof *p);
    p->events = events_mongo_new(NULL, b->input.epoch);
    p->letters = letters_new(&b->conf.input, daemon_metrics(b->daemon), &e);
    if (!p->letters) fail_msg("%s", e.text);
    p->archiver = archiver_new(&(struct archiver_parts){
        &b->batch, &b->archive, &b->conf.input, &b->input, p->events, p->letters, b->daemon});
    *ret_stage = archiver_stage(p->archiver);
    return p;
}

static void death(void *self)
{
    struct process *p = self;
    archiver_free(p->archiver);
    letters_free(p->letters);
    events_mongo_free(p->events);
    free(p);
}

static void bench_init(struct bench *b, const char *name)
{
    memset(b, 0, sizeof *b);
    script_load(&b->script, name);
    play_conf_read(&b->conf, &b->script);
    b->batch = (struct archiver_conf){.rows = 5, .interval_ms = 1000};
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
    archive_double_open();
    b->daemon = daemon_double_new();
    b->input = (struct input){source_file_empty(b->script.partition_n),
                              decode_new(&b->conf.input.record, &e), 1};
    if (!b->input.decoder) fail_msg("%s", e.text);
    b->actor = (struct play_actor){b->input.source, birth, death, .ctx = b};
}

static void close_world(struct bench *b)
{
    source_free(b->input.source);
    decode_free(b->input.decoder);
    daemon_double_free(b->daemon);
    archive_double_close();
    kafka_double_close();
}

/* --- what came out ------------------------------------------------------------------------------------------ */

static void events(void *ctx, FILE *out)
{
    (void)ctx;
    archive_double_events(out);
}

static void consumed(void *ctx, FILE *out)
{
    (void)ctx;
    archive_double_consumed(out);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All but the reason: ,"source":"1:0:0:0", ... */
static char *dead_line(size_t i)
{
    struct str key, value;
    kafka_double_message(TOPICS_DEAD, i, &key, &value);
    char *copy = mem_dup(value.at, value.len), *rest = strstr(copy, ",\"source\":");
    assert_non_null(rest);
    char *line = mem_printf("%.*s %s", STR_ARGS(key), rest + 1);
    free(copy);
    return line;
}

/* The same letter may be there more than once. */
static void dead(void *ctx, FILE *out)
{
    (void)ctx;
    size_t n = kafka_double_n(TOPICS_DEAD);
    char **lines = mem_zero(n + 1, sizeof lines[0]);
    for (size_t i = 0; i < n; i++) lines[i] = dead_line(i);
    qsort(lines, n, sizeof lines[0], by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(lines[i], lines[i - 1])) fprintf(out, "%s\n", lines[i]);
    for (size_t i = 0; i < n; i++) free(lines[i]);
    free(lines);
}

static int64_t told(const struct bench *b, const char *name)
{
    return metrics_value(metrics_counter(daemon_metrics(b->daemon), name, "", ""));
}

/* --- the cases ------------------------------------------------------------------------------------------------ */

static void play(struct bench *b, struct play_way way)
{
    play_run(&(struct play){&b->script, &b->conf, b->input.source, &b->actor, 1, way});
}

static void run(void *ctx, struct play_way way)
{
    struct bench *b = ctx;
    open_world(b);
    play(b, way);
    script_compare(&b->script, "events", way.name, events, b);
    script_compare(&b->script, "consumed", way.name, consumed, b);
    script_compare(&b->script, "dead", way.name, dead, b);
    assert_int_equal(told(b, "conflicts_total"), 0);
    close_world(b);
}

static void test(void **name)
{
    struct bench b;
    bench_init(&b, *name);
    run(&b, PLAY_UNDISTURBED);
    play_everyway(&b.script, run, &b);
    bench_finish(&b);
}

/* --- what a store or a commit of others may hold ----------------------------------------------------------------- */

static const char ordinary[] = "rows_in_order_fill_every_window";

static void another_event_under_an_id_is_told(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, ordinary);
    open_world(&b);
    struct stage stage;
    void *process = birth(&b, &stage);
    source_file_crash(b.input.source);
    struct err e = {0};
    assert_true(source_poll(b.input.source, &stage, 0, &e)); /* begins with an empty store */
    archive_double_spoil("1:0:0:0");
    archive_double_spoil("1:0:2:0");
    death(process);
    play(&b, PLAY_UNDISTURBED);
    assert_int_equal(told(&b, "conflicts_total"), 2);
    assert_int_equal(told(&b, "duplicates_total"), 2);
    close_world(&b);
    bench_finish(&b);
}

static void expect_refusal(struct bench *b, const char *text)
{
    struct err e = {0};
    struct stage stage;
    void *process = birth(b, &stage);
    source_file_crash(b->input.source);
    assert_false(source_poll(b->input.source, &stage, 0, &e));
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, text));
    death(process);
}

static void offsets_of_others_are_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, ordinary);
    open_world(&b);
    play(&b, PLAY_UNDISTURBED);
    b.input.epoch = 2;
    expect_refusal(&b, "are of epoch 1 of the events, but this is epoch 2");
    b.input.epoch = 1;
    b.conf.input.record.time_max_ms--;
    expect_refusal(&b, "[record] settings");
    struct checkpoint foreign = {.partition = 0, .offset = 1, .metadata = "v=9 epoch=1"};
    source_file_keep(b.input.source, &foreign, 1);
    expect_refusal(&b, "is not of version");
    close_world(&b);
    bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(another_event_under_an_id_is_told),
        cmocka_unit_test(offsets_of_others_are_refused),
    };
    return play_cases("archive", test) + cmocka_run_group_tests_name("others", others, NULL, NULL);
}
