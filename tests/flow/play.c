#include "play.h"

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
#include "fate.h"
#include "kafka_double.h"
#include "redis_double.h"
#include "source_file.h"

enum {
    RECORDS_MAX = 1000,
    ROUNDS_MAX = 10000,
    PASSES_MAX = 50,
    CALM_PASSES = 4,
    COMMIT_MS = 1000,
    PAUSE_MS = 1000
};

/* --- conf ------------------------------------------------------------------------------------------------- */

static const struct config_row service_rows[] = {
    {"service", "items", CONFIG_STR, "", "the catalogue, best first",
     offsetof(struct play_service, items)},
    {"service", "hot", CONFIG_STR, "", "the hot list", offsetof(struct play_service, hot)},
    {0},
};

#define PARTS(conf)                                                                                \
    {                                                                                              \
        {decode_rows, &(conf)->input.record}, {watermark_rows, &(conf)->time},                     \
            {window_rows, &(conf)->window}, {op_count_rows, &(conf)->weight},                      \
            {count_rows, &(conf)->count}, {rank_rows, &(conf)->rank},                              \
            {recommend_rows, &(conf)->recommend}, {service_rows, &(conf)->service}, {0},           \
    }

void play_conf_read(struct play_conf *conf, const struct script *s)
{
    static char prefix[] = "weir";
    memset(conf, 0, sizeof *conf);
    script_conf(s, (const struct config_part[])PARTS(conf));
    conf->input.topics.prefix = conf->rank.topics.prefix = prefix;
    conf->rank.time = conf->time;
    conf->rank.window = conf->window;
}

void play_conf_free(struct play_conf *conf)
{
    config_free((const struct config_part[])PARTS(conf));
}

/* --- processes ---------------------------------------------------------------------------------------------- */

void play_birth(struct play_actor *a)
{
    a->self = a->birth(a->ctx, &a->stage);
    source_file_crash(a->source);
}

void play_death(struct play_actor *a)
{
    if (a->self) a->death(a->self);
    a->self = NULL;
}

/* As the loop in flow/pipeline.c. */
static bool go_round(struct play_actor *a, int64_t *ret_wait_ms, struct err *e)
{
    *ret_wait_ms = PLAY_WAIT_MS;
    return source_poll(a->source, &a->stage, 0, e) &&
           source_read(a->source, &a->stage, a->records_max, e) &&
           a->stage.tick(a->stage.self, clock_now_ms(), ret_wait_ms, e);
}

int64_t play_round(struct play_actor *a, int64_t ms)
{
    int64_t wait_ms;
    struct err e = {0};
    clock_double_pass(ms);
    if (!go_round(a, &wait_ms, &e)) fail_msg("%s", e.text);
    return wait_ms;
}

/* Lets it work until there is nothing left to do; false = it was killed. */
static bool work_until_death(struct play_actor *a)
{
    struct err e = {0};
    for (int quiet = 0, n = 0; quiet < 2; n++) {
        int64_t wait_ms, handed = source_file_handed(a->source);
        bool good = go_round(a, &wait_ms, &e);
        if (fate_is(FATE_DEATH)) return false;
        if (!good) fail_msg("%s", e.text);
        if (n > ROUNDS_MAX) fail_msg("it never comes to rest");
        quiet = source_file_handed(a->source) == handed && wait_ms > 0 ? quiet + 1 : 0;
    }
    return true;
}

/* The same; who was killed lives again and has caught up. */
static bool work(struct play_actor *a)
{
    if (work_until_death(a)) return true;
    fate_set(FATE_NONE, 0);
    play_death(a);
    play_birth(a);
    return !work_until_death(a);
}

/* True if what somebody did has failed since the last time. */
static bool take_failure(void)
{
    bool failed = fate_is(FATE_FAILURE);
    if (failed) fate_set(FATE_NONE, 0);
    return failed;
}

static bool pass_once(struct play *p, int64_t ms, bool all)
{
    bool good = true;
    clock_double_pass(ms);
    for (size_t i = 0; i < (all ? p->actor_n : 1); i++) good &= work(&p->actors[i]);
    return good && !take_failure();
}

/* Time passes, and everybody works. Who was killed or failed meanwhile tries again, and then gets that time once more. */
static void pass(struct play *p, int64_t ms, bool all)
{
    while (!pass_once(p, ms, all)) pass_once(p, PAUSE_MS, all);
}

static void kill_all(struct play *p)
{
    for (size_t i = 0; i < p->actor_n; i++) play_death(&p->actors[i]);
    for (size_t i = 0; i < p->actor_n; i++) play_birth(&p->actors[i]);
    pass(p, 0, true);
}

static void forget(struct play *p)
{
    pass(p, COMMIT_MS, true);
    redis_double_empty();
    pass(p, p->conf->time.idle_timeout_ms, true);
}

static void revoke(struct play *p, bool all)
{
    const int32_t own[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (size_t i = 0; i < (all ? p->actor_n : 1); i++) {
        struct source *s = p->actors[i].source;
        source_file_rebalance(s, own, (size_t)source_partition_n(s), false);
    }
    pass(p, 0, all);
}

/* --- turns ---------------------------------------------------------------------------------------------------- */

static void act(struct play *p, enum script_what what, bool all)
{
    switch (what) {
    case SCRIPT_COMMIT: pass(p, COMMIT_MS, all); break;
    case SCRIPT_IDLE: pass(p, p->conf->time.idle_timeout_ms, all); break;
    case SCRIPT_KILL: kill_all(p); break;
    case SCRIPT_REVOKE: revoke(p, all); break;
    case SCRIPT_ABORT: kafka_double_abort_next(); break;
    case SCRIPT_FORGET: forget(p); break;
    default: break;
    }
}

static void turn(struct play *p, size_t i)
{
    bool all = (i + 1) % (size_t)p->way.stride == 0;
    for (int32_t j = 0; j < p->script->partition_n; j++) {
        const struct script_line *line = script_line(p->script, i, j);
        if (line->what == SCRIPT_RECORD) source_file_append(p->events, &line->record);
    }
    pass(p, 0, all);
    for (int32_t j = 0; j < p->script->partition_n; j++)
        act(p, script_line(p->script, i, j)->what, all);
    if ((long)i == p->way.kill_after) kill_all(p);
}

static void come_to_rest(struct play *p)
{
    int calm = 0;
    for (int i = 0; calm < CALM_PASSES; i++) {
        int64_t before = source_file_handed(p->events);
        if (i > PASSES_MAX) fail_msg("not all is read");
        pass(p, p->conf->time.idle_timeout_ms, true);
        bool rests = source_file_read_all(p->events) && source_file_handed(p->events) == before;
        calm = rests ? calm + 1 : 0;
    }
}

void play_run(struct play *p)
{
    for (size_t i = 0; i < p->actor_n; i++) {
        p->actors[i].records_max = p->way.stride > 1 ? RECORDS_MAX : 1;
        play_birth(&p->actors[i]);
    }
    pass(p, 0, true);
    for (size_t i = 0; i < p->script->turn_n; i++) turn(p, i);
    come_to_rest(p);
    for (size_t i = 0; i < p->actor_n; i++) play_death(&p->actors[i]);
}

static bool settle(struct play_actor *a, struct err *e)
{
    int64_t wait_ms;
    for (int i = 0; i < CALM_PASSES; i++) {
        clock_double_pass(COMMIT_MS);
        for (int n = 0; n < PASSES_MAX; n++)
            if (!go_round(a, &wait_ms, e)) return false;
    }
    return true;
}

static bool turn_once(struct play *p, size_t i, struct err *e)
{
    for (int32_t j = 0; j < p->script->partition_n; j++) {
        const struct script_line *line = script_line(p->script, i, j);
        if (line->what == SCRIPT_RECORD) source_file_append(p->events, &line->record);
    }
    for (size_t j = 0; j < p->actor_n; j++)
        if (!settle(&p->actors[j], e)) return false;
    return true;
}

void play_to_error(struct play *p, void (*meddle)(void *ctx, size_t turn), struct err *e)
{
    for (size_t i = 0; i < p->actor_n; i++) {
        p->actors[i].records_max = 1;
        play_birth(&p->actors[i]);
    }
    for (size_t i = 0; i < p->script->turn_n && turn_once(p, i, e); i++)
        if (meddle) meddle(p->actors[0].ctx, i);
    for (size_t i = 0; i < p->actor_n; i++) play_death(&p->actors[i]);
    if (e->status == ERR_NONE) fail_msg("nobody failed");
}

static void at_every_chance(enum fate fate, const char *what, play_fn *run, void *ctx)
{
    char name[64];
    bool struck = true;
    for (long k = 1; struck; k++) {
        snprintf(name, sizeof name, "%s at chance %ld", what, k);
        fate_set(fate, k);
        run(ctx, (struct play_way){name, PLAY_NEVER, 1});
        struck = !fate_pending();
    }
    fate_set(FATE_NONE, 0);
}

void play_everyway(const struct script *s, play_fn *run, void *ctx)
{
    char name[64];
    run(ctx, (struct play_way){"in strides of 3", PLAY_NEVER, 3});
    run(ctx, (struct play_way){"in strides of 10", PLAY_NEVER, 10});
    for (long i = 0; i < (long)s->turn_n; i++) {
        snprintf(name, sizeof name, "killed after turn %ld", i + 1);
        run(ctx, (struct play_way){name, i, 1});
    }
    at_every_chance(FATE_DEATH, "killed", run, ctx);
    at_every_chance(FATE_FAILURE, "failing", run, ctx);
}

/* --- cases ---------------------------------------------------------------------------------------------------- */

int play_cases(const char *group, void (*test)(void **name))
{
    struct CMUnitTest tests[256] = {{0}};
    size_t n = 0;
    char **names = script_dirs();
    for (; names[n]; n++) {
        assert_true(n < COUNT_OF(tests));
        tests[n] =
            (struct CMUnitTest){.name = names[n], .test_func = test, .initial_state = names[n]};
    }
    int failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
    while (n) free(names[--n]);
    free(names);
    return failed;
}
