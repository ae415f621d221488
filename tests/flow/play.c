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
#include "source_file.h"

enum { ROUNDS_MAX = 10000, PASSES_MAX = 50, CALM_PASSES = 4, COMMIT_MS = 1000 };

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

static void be_born(struct play_actor *a)
{
    a->self = a->birth(a->ctx, &a->stage);
    source_file_crash(a->source);
}

static void die(struct play_actor *a)
{
    if (a->self) a->death(a->self);
    a->self = NULL;
}

/* As the loop in flow/pipeline.c, but for one record at a time. */
static bool go_round(struct play_actor *a, int64_t *ret_wait_ms, struct err *e)
{
    *ret_wait_ms = 100;
    return source_poll(a->source, &a->stage, 0, e) && source_read(a->source, &a->stage, 1, e) &&
           a->stage.tick(a->stage.self, clock_now_ms(), ret_wait_ms, e);
}

/* Lets it work until there is nothing left to do; false = it was killed. */
static bool work_until_death(struct play_actor *a)
{
    struct err e = {0};
    for (int quiet = 0, n = 0; quiet < 2; n++) {
        int64_t wait_ms, handed = source_file_handed(a->source);
        bool good = go_round(a, &wait_ms, &e);
        if (fate_dead()) return false;
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
    fate_set(0);
    die(a);
    be_born(a);
    return !work_until_death(a);
}

/* Time passes, and everybody works. Whoever was killed meanwhile has not seen it pass: once more. */
static void pass(struct play *p, int64_t ms)
{
    bool good;
    do {
        good = true;
        clock_double_pass(ms);
        for (size_t i = 0; i < p->actor_n; i++) good &= work(&p->actors[i]);
    } while (!good);
}

static void kill_all(struct play *p)
{
    for (size_t i = 0; i < p->actor_n; i++) die(&p->actors[i]);
    for (size_t i = 0; i < p->actor_n; i++) be_born(&p->actors[i]);
    pass(p, 0);
}

static void revoke(struct play *p)
{
    int32_t all[16];
    for (int32_t i = 0; i < p->script->partition_n; i++) all[i] = i;
    source_file_rebalance(p->events, all, (size_t)p->script->partition_n, false);
    pass(p, 0);
}

/* --- turns ---------------------------------------------------------------------------------------------------- */

static void act(struct play *p, enum script_what what)
{
    switch (what) {
    case SCRIPT_COMMIT: pass(p, COMMIT_MS); break;
    case SCRIPT_IDLE: pass(p, p->conf->time.idle_timeout_ms); break;
    case SCRIPT_KILL: kill_all(p); break;
    case SCRIPT_REVOKE: revoke(p); break;
    case SCRIPT_ABORT: kafka_double_abort_next(); break;
    default: break;
    }
}

static void turn(struct play *p, size_t i)
{
    for (int32_t j = 0; j < p->script->partition_n; j++) {
        const struct script_line *line = script_line(p->script, i, j);
        if (line->what == SCRIPT_RECORD) source_file_append(p->events, &line->record);
    }
    pass(p, 0);
    for (int32_t j = 0; j < p->script->partition_n; j++) act(p, script_line(p->script, i, j)->what);
    if ((long)i == p->kill_after) kill_all(p);
}

static void come_to_rest(struct play *p)
{
    int calm = 0;
    for (int i = 0; calm < CALM_PASSES; i++) {
        int64_t before = source_file_handed(p->events);
        if (i > PASSES_MAX) fail_msg("not all is read");
        pass(p, p->conf->time.idle_timeout_ms);
        bool rests = source_file_read_all(p->events) && source_file_handed(p->events) == before;
        calm = rests ? calm + 1 : 0;
    }
}

void play_run(struct play *p)
{
    for (size_t i = 0; i < p->actor_n; i++) be_born(&p->actors[i]);
    pass(p, 0);
    for (size_t i = 0; i < p->script->turn_n; i++) turn(p, i);
    come_to_rest(p);
    for (size_t i = 0; i < p->actor_n; i++) die(&p->actors[i]);
}

void play_everywhere(const struct script *s, play_fn *run, void *ctx)
{
    char when[64];
    for (long i = 0; i < (long)s->turn_n; i++) {
        snprintf(when, sizeof when, "killed after turn %ld", i + 1);
        run(ctx, when, i);
    }
    for (long k = 1, struck = true; struck; k++) {
        snprintf(when, sizeof when, "killed at chance %ld", k);
        fate_set(k);
        run(ctx, when, -1);
        struck = !fate_pending();
        fate_set(0);
    }
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
