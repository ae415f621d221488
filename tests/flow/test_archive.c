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
#include "fate.h"
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

/* All but the reason. The same letter may be there more than once. */
static void dead(void *ctx, FILE *out)
{
    (void)ctx;
    kafka_double_letters(TOPICS_DEAD, "\"source\":", true, out);
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

/* --- when it writes, and what it tells ---------------------------------------------------------------------------- */

struct life {
    struct bench bench;
    int64_t wait_ms; /* as the last round left it */
};

static void live(struct life *l)
{
    bench_init(&l->bench, ordinary);
    open_world(&l->bench);
    l->bench.actor.records_max = 100;
    play_birth(&l->bench.actor);
}

static void end(struct life *l)
{
    play_death(&l->bench.actor);
    close_world(&l->bench);
    bench_finish(&l->bench);
}

static void append(struct life *l, const char *value, int n)
{
    for (int i = 0; i < n; i++)
        source_file_append(l->bench.input.source, &(struct record){.value = str_of(value)});
}

static void go(struct life *l, int64_t ms)
{
    l->wait_ms = play_round(&l->bench.actor, ms);
}

static int64_t committed(struct life *l)
{
    struct checkpoint point = {.partition = 0};
    struct err e = {0};
    assert_true(source_committed(l->bench.input.source, &point, 1, &e));
    return point.offset;
}

/* Rows in the store, rows in hand, offset committed, wait. */
static void expect(struct life *l, int out, int in_flight, int64_t offset, int64_t wait_ms)
{
    struct daemon *d = l->bench.daemon;
    assert_int_equal(daemon_double_told(d, "rows_out_total"), out);
    assert_int_equal(daemon_double_told(d, "in_flight"), in_flight);
    assert_int_equal(committed(l), offset);
    assert_int_equal(l->wait_ms, wait_ms);
}

static void a_batch_waits_for_rows_or_for_time(void **state)
{
    (void)state;
    struct life l;
    live(&l);
    assert_false(daemon_double_ready(l.bench.daemon));
    append(&l, "u,a,pv,1", 12);
    go(&l, 0); /* assigned, but the store is not prepared before the end of the round */
    assert_int_equal(source_file_handed(l.bench.input.source), 0);
    assert_true(daemon_double_ready(l.bench.daemon));
    go(&l, 0);
    assert_int_equal(source_file_handed(l.bench.input.source), 5); /* a batch is full */
    expect(&l, 5, 0, 5, 0);
    go(&l, 0);
    expect(&l, 10, 0, 10, 0);
    go(&l, 0);
    expect(&l, 10, 2, 10, 1000);
    append(&l, "u,a,pv,1", 1);
    go(&l, 400); /* it is the first row that waits */
    expect(&l, 10, 3, 10, 600);
    go(&l, 599);
    expect(&l, 10, 3, 10, 1);
    go(&l, 1);
    expect(&l, 13, 0, 13, 0);
    go(&l, 5000);
    expect(&l, 13, 0, 13, PLAY_WAIT_MS);
    append(&l, "u,a,pv,1", 1);
    go(&l, 5000);
    expect(&l, 13, 1, 13, 1000);
    end(&l);
}

static void what_it_did_is_counted(void **state)
{
    (void)state;
    struct life l;
    live(&l);
    go(&l, 0);
    append(&l, "u,a,pv,1\nu,a,pv\nu,b,pv,2", 1);
    go(&l, 0);
    go(&l, 1000);
    struct daemon *d = l.bench.daemon;
    assert_int_equal(daemon_double_told(d, "rows_in_total"), 3);
    assert_int_equal(daemon_double_told(d, "rows_out_total"), 2);
    assert_int_equal(daemon_double_told(d, "rows_bad_total"), 1);
    assert_int_equal(daemon_double_told(d, "retries_total"), 0);
    assert_int_equal(daemon_double_told(d, "duplicates_total"), 0);
    assert_int_equal(daemon_double_told(d, "flush_seconds_count"), 1);
    assert_int_equal(daemon_double_told(d, "flush_seconds_sum"), 0); /* no time passed meanwhile */
    assert_int_equal(kafka_double_n(TOPICS_DEAD), 1);
    append(&l, "u,a,pv", 1);
    go(&l, 0);
    go(&l, 1000); /* letters only: nothing that the store took */
    assert_int_equal(daemon_double_told(d, "flush_seconds_count"), 1);
    assert_int_equal(kafka_double_n(TOPICS_DEAD), 2);
    assert_int_equal(committed(&l), 2);
    end(&l);
}

/* At every chance that a batch has to fail it is kept, nobody is told that we are ready, and after a pause it is whole. */
static void what_failed_is_done_again_after_a_pause(void **state)
{
    (void)state;
    for (int64_t k = 1;; k++) {
        struct life l;
        live(&l);
        go(&l, 0);
        append(&l, "u,a,pv,1\nu,a,pv", 1);
        go(&l, 0);
        fate_set(FATE_FAILURE, k);
        go(&l, 1000);
        bool struck = fate_is(FATE_FAILURE);
        fate_set(FATE_NONE, 0);
        struct daemon *d = l.bench.daemon;
        assert_int_equal(daemon_double_told(d, "retries_total"), struck);
        assert_int_equal(daemon_double_ready(d), !struck);
        if (struck) {
            go(&l, 49); /* at least half of the first pause */
            assert_false(daemon_double_ready(d));
            go(&l, 51);
        }
        assert_true(daemon_double_ready(d));
        assert_int_equal(daemon_double_told(d, "rows_out_total"), 1);
        assert_int_equal(committed(&l), 1);
        end(&l);
        if (!struck) break;
    }
}

static void partitions_come_and_go_with_their_rows(void **state)
{
    (void)state;
    const int32_t all[] = {0};
    for (int lost = 0; lost < 2; lost++) {
        struct life l;
        live(&l);
        go(&l, 0);
        append(&l, "u,a,pv,1", 3);
        go(&l, 0);
        source_file_rebalance(l.bench.input.source, all, 0, lost);
        go(&l, 0);
        assert_true(daemon_double_ready(l.bench.daemon)); /* standing by */
        expect(&l, lost ? 0 : 3, 0, lost ? 0 : 3, PLAY_WAIT_MS);
        source_file_rebalance(l.bench.input.source, all, 1, false);
        go(&l, 0);
        assert_true(daemon_double_ready(l.bench.daemon));
        go(&l, 1000);
        expect(&l, 3, 0, 3, lost ? 0 : PLAY_WAIT_MS);
        end(&l);
    }
}

static void letters_that_nobody_takes_end_it(void **state)
{
    (void)state;
    struct bench b;
    struct err e = {0};
    bench_init(&b, "packed_records_may_hold_bad_rows");
    open_world(&b);
    kafka_double_refuse_letters();
    struct play p = {&b.script, &b.conf, b.input.source, &b.actor, 1, PLAY_UNDISTURBED};
    play_to_error(&p, NULL, &e);
    assert_int_equal(e.status, ERR_REFUSED);
    assert_int_equal(told(&b, "retries_total"), 0);
    struct checkpoint point = {.partition = 0};
    assert_true(source_committed(b.input.source, &point, 1, &e));
    assert_int_equal(point.offset, 1); /* nothing of what they are about */
    close_world(&b);
    bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(another_event_under_an_id_is_told),
        cmocka_unit_test(offsets_of_others_are_refused),
        cmocka_unit_test(a_batch_waits_for_rows_or_for_time),
        cmocka_unit_test(what_it_did_is_counted),
        cmocka_unit_test(what_failed_is_done_again_after_a_pause),
        cmocka_unit_test(partitions_come_and_go_with_their_rows),
        cmocka_unit_test(letters_that_nobody_takes_end_it),
    };
    return play_cases("archive", test) + cmocka_run_group_tests_name("others", others, NULL, NULL);
}
