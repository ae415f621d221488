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

static void test(void **name)
{
    struct bench b;
    bench_init(&b, *name);
    bool wanted = script_expects(&b.script, "recommendations");
    if (wanted) run(&b, PLAY_UNDISTURBED);
    if (wanted) play_everyway(&b.script, run, &b);
    b.fickle = true;
    if (wanted) play_everyway(&b.script, run_fickle, &b);
    bench_finish(&b);
    if (!wanted) skip();
}

int main(void)
{
    return play_cases("recommend", test);
}
