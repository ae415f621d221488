/* The loop of every daemon: how long it waits, where it ends, and what is excused at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flow/pipeline.h"

enum step { POLL, READ, TICK, LEAVE, NOWHERE };

static const int64_t asked_ms[] = {5, -5, 70, 100};

static struct {
    int rounds, stop_after, progress_n, left_n; /* asked to leave in that round; LEAVE: after it */
    int64_t waited_ms[8];
    size_t read_max;
    enum step failing;
    enum err_status status;
} world;

bool daemon_running(const struct daemon *d)
{
    (void)d;
    return world.rounds < world.stop_after;
}

void daemon_progress(struct daemon *d)
{
    (void)d;
    world.progress_n++;
}

const char *daemon_name(const struct daemon *d)
{
    (void)d;
    return "test";
}

static bool pass(enum step step, struct err *e)
{
    if (world.failing != step) return true;
    return world.status == ERR_FAILED ? err_set(e, "failed") : err_refuse(e, "refused");
}

static bool poll(struct source *s, const struct stage *stage, int64_t wait_ms, struct err *e)
{
    (void)s, (void)stage;
    world.waited_ms[world.rounds++] = wait_ms;
    return pass(POLL, e);
}

static bool read(struct source *s, const struct stage *stage, size_t max, struct err *e)
{
    (void)s, (void)stage;
    world.read_max = max;
    return pass(READ, e);
}

static bool tick(void *self, int64_t now_ms, int64_t *ret_wait_ms, struct err *e)
{
    (void)self;
    assert_true(now_ms > 0 && *ret_wait_ms == 100);
    *ret_wait_ms = asked_ms[world.rounds - 1];
    return pass(TICK, e);
}

static bool leave(struct source *s, const struct stage *stage, struct err *e)
{
    (void)s, (void)stage;
    world.left_n++;
    return pass(LEAVE, e);
}

static bool run(int stop_after, enum step failing, enum err_status status, struct err *e)
{
    static const struct source_kind kind = {.poll = poll, .read = read, .leave = leave};
    struct source source = {&kind};
    const struct stage stage = {.tick = tick};
    memset(&world, 0, sizeof world);
    world.stop_after = stop_after;
    world.failing = failing;
    world.status = status;
    return pipeline_run(&source, &stage, NULL, e);
}

static void a_round_waits_as_long_as_the_last_one_asked_for(void **state)
{
    (void)state;
    struct err e = {0};
    assert_true(run(4, NOWHERE, ERR_NONE, &e));
    const int64_t expected_ms[] = {0, 5, 0, 70};
    assert_memory_equal(world.waited_ms, expected_ms, sizeof expected_ms);
    assert_int_equal(world.progress_n, 4);
    assert_int_equal(world.read_max, 2000);
    assert_int_equal(world.left_n, 1);
}

static void whoever_fails_ends_it(void **state)
{
    (void)state;
    for (enum step step = POLL; step <= TICK; step++) {
        struct err e = {0};
        assert_false(run(4, step, ERR_FAILED, &e));
        assert_int_equal(e.status, ERR_FAILED);
        assert_int_equal(world.rounds, 1);
        assert_int_equal(world.left_n, 0);
        assert_int_equal(world.progress_n, 0);
    }
}

/* Asked to leave, a daemon does not mind that a server is away; that it is set up wrongly it still says. */
static void what_fails_while_leaving_is_excused(void **state)
{
    (void)state;
    for (enum step step = POLL; step <= LEAVE; step++) {
        struct err e = {0};
        assert_true(run(1, step, ERR_FAILED, &e));
        assert_int_equal(e.status, ERR_NONE);
        assert_int_equal(world.left_n, step == LEAVE);
        assert_false(run(1, step, ERR_REFUSED, &e));
        assert_int_equal(e.status, ERR_REFUSED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_waits_as_long_as_the_last_one_asked_for),
        cmocka_unit_test(whoever_fails_ends_it),
        cmocka_unit_test(what_fails_while_leaving_is_excused),
    };
    return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
