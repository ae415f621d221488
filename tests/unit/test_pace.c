/* When a row is due: by event time, by rate, or at once; never earlier than the one that set the pace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "replay/pace.h"

static void by_event_time(void **state)
{
    (void)state;
    struct pace p = {.speed = 60};
    assert_true(pace_paced(&p));
    assert_int_equal(pace_due_us(&p, 1000000, 5000), 5000);
    assert_int_equal(pace_due_us(&p, 1060000, 6000), 5000 + 1000000); /* a minute in a second */
    assert_int_equal(pace_due_us(&p, 1030000, 7000), 5000 + 500000);  /* out of order: due before */
    assert_true(pace_due_us(&p, 900000, 8000) < 5000); /* before the first: at once */
}

static void by_rate(void **state)
{
    (void)state;
    struct pace p = {.rate = 100};
    assert_true(pace_paced(&p));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(pace_due_us(&p, 7, 5000 + i), 5000 + (int64_t)i * 10000);
}

static void at_once(void **state)
{
    (void)state;
    struct pace p = {0};
    assert_false(pace_paced(&p));
    assert_int_equal(pace_due_us(&p, 1000000, 5000), 5000);
    assert_int_equal(pace_due_us(&p, 9000000, 6000), 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_event_time), cmocka_unit_test(by_rate),
                                       cmocka_unit_test(at_once)};
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
