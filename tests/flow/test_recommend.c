/* Rows in, recommendations out: weir-recommend, for every case in cases/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client_double.h"
#include "clock_double.h"
#include "daemon_double.h"
#include "fate.h"
#include "kafka_double.h"
#include "mongo_double.h"
#include "play.h"
#include "redis_double.h"
#include "source_file.h"

struct bench {
    struct script script;
    struct play_conf conf;
    struct recommend_conf recommend;
    struct daemon *daemon;
    struct input input;
    struct play_actor actor;
    bool fickle; /* the service does not answer twice alike */
};

static void *birth(void *ctx, struct stage *ret_stage)
{
    struct bench *b = ctx;
    struct err e = {0};
    if (!recommend_check(&b->recommend, &e)) fail_msg("%s", e.text);
    struct recommend *r = recommend_new(&b->recommend, &b->input, b->daemon, &e);
    if (!r) fail_msg("%s", e.text);
    *ret_stage = recommend_stage(r);
    return r;
}

static void death(void *self)
{
    recommend_free(self);
}

static void bench_init(struct bench *b, const char *name)
{
    static char algorithm[] = "catalogue";
    memset(b, 0, sizeof *b);
    script_load(&b->script, name);
    play_conf_read(&b->conf, &b->script);
    b->recommend = (struct recommend_conf){.input = b->conf.input,
                                           .time = b->conf.time,
                                           .infer = {.algorithm = algorithm},
                                           .own = b->conf.recommend};
}

static void bench_finish(struct bench *b)
{
    play_conf_free(&b->conf);
    script_free(&b->script);
}

static void open_world(struct bench *b)
{
    struct err e = {0};
    mongo_double_open();
    redis_double_open(b->conf.service.hot);
    client_double_catalogue(b->conf.service.items, b->fickle);
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
    redis_double_close();
    mongo_double_close();
}

static void recommendations(void *ctx, FILE *out)
{
    (void)ctx;
    mongo_double_recommendations(out);
}

static void users(void *ctx, FILE *out)
{
    (void)ctx;
    mongo_double_users(out);
}

static void run(void *ctx, struct play_way way)
{
    struct bench *b = ctx;
    open_world(b);
    play_run(&(struct play){&b->script, &b->conf, b->input.source, &b->actor, 1, way});
    mongo_double_check();
    script_compare(&b->script, "recommendations", way.name, recommendations, b);
    script_compare(&b->script, "users", way.name, users, b);
    close_world(b);
}

/* Whatever a successor is told, what was shown is what was stored first. */
static void run_fickle(void *ctx, struct play_way way)
{
    struct bench *b = ctx;
    open_world(b);
    play_run(&(struct play){&b->script, &b->conf, b->input.source, &b->actor, 1, way});
    mongo_double_check();
    close_world(b);
}

static void histories(void *ctx, FILE *out)
{
    (void)ctx;
    mongo_double_histories(out);
}

static void run_moved(void *ctx, struct play_way way)
{
    struct bench *b = ctx;
    open_world(b);
    play_run(&(struct play){&b->script, &b->conf, b->input.source, &b->actor, 1, way});
    script_compare(&b->script, "histories", way.name, histories, b);
    close_world(b);
}

static void test(void **name)
{
    struct bench b;
    bench_init(&b, *name);
    play_fn *judge = script_expects(&b.script, "recommendations") ? run : run_moved;
    judge(&b, PLAY_UNDISTURBED);
    play_everyway(&b.script, judge, &b);
    b.fickle = judge == run;
    if (b.fickle) play_everyway(&b.script, run_fickle, &b);
    bench_finish(&b);
}

/* --- what a service and other hands may do ----------------------------------------------------------------------- */

static const char ordinary[] = "the_reward_is_what_was_shown_and_taken";

static struct play undisturbed(struct bench *b)
{
    return (struct play){&b->script, &b->conf, b->input.source, &b->actor, 1, PLAY_UNDISTURBED};
}

static bool any_filled(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    mongo_double_recommendations(out);
    fclose(out);
    bool filled = strstr(text, "source=hot") || strstr(text, "source=mixed");
    assert_non_null(strstr(text, "deaf"));
    free(text);
    return filled;
}

static void who_waits_gets_an_answer_in_the_end(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, "who_gets_no_answer_gets_the_hot_list");
    b.recommend.own.n = 1; /* the catalogue is enough for all */
    b.recommend.own.on_failure = 1;
    open_world(&b);
    client_double_deaf_for(2);
    struct play p = undisturbed(&b);
    play_run(&p);
    assert_false(any_filled());
    close_world(&b);
    bench_finish(&b);
}

static void too_many_open_rows_are_refused(void **state)
{
    (void)state;
    struct bench b;
    struct err e = {0};
    bench_init(&b, "many_users_of_one_interval_are_served_together");
    b.recommend.own.rows_max = 1; /* ten of them may be open */
    open_world(&b);
    struct play p = undisturbed(&b);
    play_to_error(&p, NULL, &e);
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, "more than 10 rows in open intervals"));
    close_world(&b);
    bench_finish(&b);
}

static void run_hidden(void *ctx, struct play_way way)
{
    struct bench *b = ctx;
    open_world(b);
    mongo_double_hide_next();
    struct play p = undisturbed(b);
    p.way = way;
    play_run(&p);
    script_compare(&b->script, "recommendations", way.name, recommendations, b);
    close_world(b);
}

static void what_is_there_and_not_found_is_looked_for_again(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, ordinary);
    play_everyway(&b.script, run_hidden, &b);
    bench_finish(&b);
}

static void delete_users(void *ctx, size_t turn)
{
    (void)ctx, (void)turn;
    mongo_double_forget_users();
}

/* A user in two partitions may be served already when a round of the other is merged into his document. */
static void users_that_somebody_deletes_end_it(void **state)
{
    (void)state;
    struct bench b;
    struct err e = {0};
    bench_init(&b, "a_user_in_two_partitions_keeps_all_his_rows");
    open_world(&b);
    struct play p = undisturbed(&b);
    play_to_error(&p, delete_users, &e);
    assert_int_equal(e.status, ERR_FAILED);
    assert_non_null(strstr(e.text, "changed by somebody else"));
    close_world(&b);
    bench_finish(&b);
}

/* --- when it happens, and what is told of it ---------------------------------------------------------------------- */

static int tells(struct bench *b, const char *name)
{
    return (int)daemon_double_told(b->daemon, name);
}

/* Whatever failed and was done again: what was stored was served once, and what was due is done. */
static void what_is_told_adds_up(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int in, bad, late, due;
    } cases[] = {
        {"packed_records_may_hold_bad_rows", 19, 12, 0, 2},
        {"late_rows_are_told_and_not_counted", 13, 0, 2, 6},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int64_t k = 0;; k++) { /* 0: nothing fails */
            struct bench b;
            bench_init(&b, cases[i].name);
            open_world(&b);
            struct play p = undisturbed(&b);
            fate_set(FATE_FAILURE, k);
            play_run(&p);
            bool struck = k && !fate_pending();
            fate_set(FATE_NONE, 0);
            assert_int_equal(tells(&b, "rows_in_total"), cases[i].in);
            assert_int_equal(tells(&b, "rows_bad_total"), cases[i].bad);
            assert_int_equal(tells(&b, "rows_late_total"), cases[i].late);
            assert_int_equal(tells(&b, "moved_total"), 0);
            assert_int_equal(tells(&b, "due_total"), cases[i].due);
            assert_int_equal(tells(&b, "served_total"), cases[i].due);
            assert_int_equal(tells(&b, "rows_out_total") + tells(&b, "adopted_total"),
                             cases[i].due);
            assert_int_equal(tells(&b, "merged_total"), 0);
            assert_int_equal(tells(&b, "in_flight"), 0);
            assert_int_equal(tells(&b, "rows_held"), 0);
            assert_in_range(tells(&b, "retries_total") + tells(&b, "hot_failures_total"), 0,
                            struck);
            if (!struck) assert_int_equal(tells(&b, "adopted_total"), 0);
            if (!struck) assert_int_equal(tells(&b, "stale_updates_total"), 0);
            assert_true(daemon_double_ready(b.daemon));
            close_world(&b);
            bench_finish(&b);
            if (k && !struck) break;
        }
}

static void live(struct bench *b)
{
    bench_init(b, ordinary);
    open_world(b);
    b->actor.records_max = 100;
    play_birth(&b->actor);
}

static void end(struct bench *b)
{
    play_death(&b->actor);
    close_world(b);
    bench_finish(b);
}

static void append(struct bench *b, const char *value)
{
    source_file_append(b->input.source, &(struct record){.value = str_of(value)});
}

static int64_t commit_n(const struct bench *b)
{
    return source_file_commit_n(b->input.source);
}

/* Rounds until nothing is left to do at once. */
static int64_t go(struct bench *b, int64_t ms)
{
    int64_t wait_ms = play_round(&b->actor, ms);
    for (int n = 0; wait_ms == 0; n++) {
        wait_ms = play_round(&b->actor, 0);
        assert_true(n < 100);
    }
    return wait_ms;
}

static void commits_are_made_where_something_waits_for_them(void **state)
{
    (void)state;
    struct bench b;
    live(&b);
    append(&b, "rubbish");
    go(&b, 0);
    int64_t before = commit_n(&b);
    append(&b, "rubbish");
    go(&b, 499);
    assert_int_equal(commit_n(&b), before);
    go(&b, 1);
    assert_int_equal(commit_n(&b), before + 1); /* for our newer offset, half a second later */
    go(&b, 5000);
    assert_int_equal(commit_n(&b), before + 1); /* there is nothing to say */
    append(&b, "u,a,pv,1");
    go(&b, 0);
    go(&b, 600);
    assert_int_equal(commit_n(&b), before + 1); /* the hold is where it was */
    assert_int_equal(tells(&b, "rows_held"), 1);
    append(&b, "u,b,pv,25");
    go(&b, 0);
    assert_int_equal(commit_n(&b), before + 2); /* a round is closed */
    assert_int_equal(tells(&b, "served_total"), 1);
    assert_int_equal(tells(&b, "rounds_total"), 1);
    assert_int_equal(tells(&b, "rows_held"), 1);
    go(&b, 500);
    assert_int_equal(commit_n(&b), before + 3); /* the hold behind it */
    end(&b);
}

static void a_commit_that_failed_is_tried_again_after_a_pause(void **state)
{
    (void)state;
    for (int refused = 0; refused < 2; refused++) {
        struct bench b;
        live(&b);
        go(&b, 0);
        append(&b, "u,a,pv,1");
        append(&b, "u,b,pv,25");
        int64_t before = commit_n(&b);
        source_file_answer(b.input.source, refused ? COMMIT_REFUSED : COMMIT_FAILED, 1);
        go(&b, 0);
        go(&b, 499);
        assert_int_equal(commit_n(&b), before);
        assert_int_equal(tells(&b, "served_total"), 0); /* who may not commit may not serve */
        assert_int_equal(daemon_double_ready(b.daemon), !refused);
        go(&b, 1);
        assert_int_equal(commit_n(&b), before + !refused);
        assert_int_equal(tells(&b, "served_total"), !refused);
        end(&b);
    }
}

static void a_quiet_partition_is_cut_after_its_timeout(void **state)
{
    (void)state;
    struct bench b;
    live(&b);
    go(&b, 0);
    append(&b, "u,a,pv,1");
    go(&b, 0);
    go(&b, 29999);
    assert_int_equal(tells(&b, "served_total"), 0);
    go(&b, 1);
    assert_int_equal(tells(&b, "served_total"), 1);
    append(&b, "u,a,pv,2");
    go(&b, 10000);
    append(&b, "u,a,pv,3"); /* not quiet */
    go(&b, 20000);
    assert_int_equal(tells(&b, "served_total"), 1);
    go(&b, 29999);
    assert_int_equal(tells(&b, "served_total"), 1);
    go(&b, 1);
    assert_int_equal(tells(&b, "served_total"), 2);
    end(&b);
}

static void pauses_of_a_store_that_is_away_double(void **state)
{
    (void)state;
    struct bench b;
    live(&b);
    go(&b, 0);
    append(&b, "u,a,pv,1");
    append(&b, "u,b,pv,25");
    play_round(&b.actor, 0); /* closes, commits, starts a wave */
    const int64_t pauses_ms[] = {100, 200, 400, 800, 1000, 1000};
    for (size_t i = 0; i < COUNT_OF(pauses_ms); i++) {
        fate_set(FATE_FAILURE, 1);
        assert_int_equal(play_round(&b.actor, 0), 0);
        fate_set(FATE_NONE, 0);
        assert_int_equal(tells(&b, "retries_total"), i + 1);
        assert_false(daemon_double_ready(b.daemon));
        assert_int_equal(play_round(&b.actor, 0), pauses_ms[i]);
        assert_int_equal(play_round(&b.actor, pauses_ms[i] - 1), 1);
        clock_double_pass(1);
    }
    go(&b, 0);
    assert_true(daemon_double_ready(b.daemon));
    assert_int_equal(tells(&b, "served_total"), 1);
    assert_int_equal(tells(&b, "flush_seconds_sum"), 0); /* no time passed while it was stored */
    end(&b);
}

static void who_is_full_serves_before_it_reads_on(void **state)
{
    (void)state;
    struct bench b;
    live(&b);
    b.recommend.own.rows_max = 2;
    go(&b, 0);
    append(&b, "u,a,pv,1");
    append(&b, "v,b,pv,2");
    append(&b, "w,c,pv,3"); /* nothing is closed: only more rows can close something */
    append(&b, "u,d,pv,26");
    append(&b, "u,e,pv,27");
    play_round(&b.actor, 0);
    assert_int_equal(source_file_handed(b.input.source), 4);
    go(&b, 0);
    assert_int_equal(source_file_handed(b.input.source), 5);
    assert_int_equal(tells(&b, "served_total"), 3);
    end(&b);
}

/* Rounds until the recommendation is stored and the user is not. */
static void go_halfway(struct bench *b)
{
    go(b, 0);
    append(b, "u,a,pv,1");
    append(b, "u,b,pv,25");
    for (int steps = 0; steps < 4; steps++) assert_int_equal(play_round(&b->actor, 0), 0);
    assert_int_equal(tells(b, "served_total"), 1);
    assert_int_equal(tells(b, "due_total"), 0);
}

static void who_is_asked_to_leave_halfway_finishes(void **state)
{
    (void)state;
    for (enum fate fate = FATE_NONE; fate <= FATE_FAILURE; fate++)
        for (int lost = 0; lost < 2; lost++) {
            struct bench b;
            struct err e = {0};
            live(&b);
            go_halfway(&b);
            source_file_rebalance(b.input.source, (const int32_t[]){0}, 1, lost);
            fate_set(fate, fate != FATE_NONE);
            assert_true(source_poll(b.input.source, &b.actor.stage, 0, &e));
            fate_set(FATE_NONE, 0);
            assert_int_equal(tells(&b, "due_total"), fate == FATE_NONE && !lost);
            go(&b, 0);
            go(&b, 1000);
            if (tells(&b, "due_total") != 1) fail_msg("fate %d, lost %d", (int)fate, lost);
            assert_int_equal(tells(&b, "rows_out_total"), 1);
            mongo_double_check();
            end(&b);
        }
}

static void expect_no_birth(struct bench *b, enum err_status status)
{
    struct err e = {0};
    assert_null(recommend_new(&b->recommend, &b->input, b->daemon, &e));
    assert_int_equal(e.status, status);
}

static void who_is_set_up_wrongly_does_not_begin(void **state)
{
    (void)state;
    struct bench b;
    struct err e = {0};
    char odd[] = "pv";
    bench_init(&b, ordinary);
    open_world(&b);
    kafka_double_open();
    kafka_double_refuse_epochs();
    expect_no_birth(&b, ERR_FAILED);
    kafka_double_close();
    char *behaviors = b.recommend.own.behaviors;
    b.recommend.own.behaviors = odd;
    assert_false(recommend_check(&b.recommend, &e));
    expect_no_birth(&b, ERR_REFUSED);
    b.recommend.own.behaviors = behaviors;
    redis_double_refuse();
    expect_no_birth(&b, ERR_REFUSED);
    close_world(&b);
    bench_finish(&b);
}

/* Without a hot list recommendations are shorter, and it is told. */
static void a_hot_list_that_is_away_stops_nobody(void **state)
{
    (void)state;
    struct bench b;
    live(&b);
    redis_double_refuse();
    go_halfway(&b);
    go(&b, 0);
    assert_int_equal(tells(&b, "due_total"), 1);
    assert_int_equal(tells(&b, "hot_failures_total"), 1);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(who_waits_gets_an_answer_in_the_end),
        cmocka_unit_test(too_many_open_rows_are_refused),
        cmocka_unit_test(what_is_there_and_not_found_is_looked_for_again),
        cmocka_unit_test(users_that_somebody_deletes_end_it),
        cmocka_unit_test(what_is_told_adds_up),
        cmocka_unit_test(commits_are_made_where_something_waits_for_them),
        cmocka_unit_test(a_commit_that_failed_is_tried_again_after_a_pause),
        cmocka_unit_test(a_quiet_partition_is_cut_after_its_timeout),
        cmocka_unit_test(pauses_of_a_store_that_is_away_double),
        cmocka_unit_test(who_is_full_serves_before_it_reads_on),
        cmocka_unit_test(who_is_asked_to_leave_halfway_finishes),
        cmocka_unit_test(who_is_set_up_wrongly_does_not_begin),
        cmocka_unit_test(a_hot_list_that_is_away_stops_nobody),
    };
    return play_cases("recommend", test) +
           cmocka_run_group_tests_name("others", others, NULL, NULL);
}
