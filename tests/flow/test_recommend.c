/* Rows in, recommendations out: weir-recommend, for every case in cases/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client_double.h"
#include "daemon_double.h"
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

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(who_waits_gets_an_answer_in_the_end),
        cmocka_unit_test(too_many_open_rows_are_refused),
        cmocka_unit_test(what_is_there_and_not_found_is_looked_for_again),
        cmocka_unit_test(users_that_somebody_deletes_end_it),
    };
    return play_cases("recommend", test) +
           cmocka_run_group_tests_name("others", others, NULL, NULL);
}
