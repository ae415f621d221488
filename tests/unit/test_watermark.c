/* Watermarks and the rule of lateness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/watermark.h"

static void floors(void **state)
{
    (void)state;
    const struct {
        int64_t time_ms, step_ms, floor_ms;
    } rows[] = {
        {0, 10, 0},     {9, 10, 0},
        {10, 10, 10},   {11, 10, 10},
        {-1, 10, -10},  {-10, 10, -10},
        {-11, 10, -20}, {7, 1, 7},
        {-7, 1, -7},    {1511544070123, 300000, 1511544000000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(watermark_floor(rows[i].time_ms, rows[i].step_ms), rows[i].floor_ms);
    for (int64_t t = -100; t <= 100; t++)
        for (int64_t step = 1; step <= 20; step++) {
            int64_t floor = watermark_floor(t, step);
            assert_true(floor % step == 0 && floor <= t && t < floor + step);
        }
}

static void watermarks(void **state)
{
    (void)state;
    const struct watermark_conf conf = {.delay_ms = 10};
    assert_true(watermark_of(&conf, 100) == 90);
    assert_true(watermark_of(&conf, 0) == -10);
    assert_true(watermark_of(&conf, WATERMARK_NONE) == WATERMARK_NONE);
}

/* Late: the pane's end + lateness <= the watermark before the row. */
static void lateness(void **state)
{
    (void)state;
    const struct {
        int64_t delay_ms, lateness_ms, clock_ms, time_ms;
        bool late;
    } rows[] = {
        {0, 0, WATERMARK_NONE, 0, false},
        {0, 0, WATERMARK_NONE, INT64_MIN / 2, false},
        {0, 0, 99, 0, false}, /* pane [0, 100) is open until 100 */
        {0, 0, 100, 0, true},
        {0, 0, 100, 99, true},
        {0, 0, 100, 100, false},
        {10, 0, 109, 0, false},
        {10, 0, 110, 0, true},
        {10, 50, 159, 99, false},
        {10, 50, 160, 99, true},
        {10, 50, 160, 100, false},
        {0, 0, 0, -1, true},
        {0, 0, -1, -1, false},
        {0, 0, -1, -101, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct watermark_conf conf = {.delay_ms = rows[i].delay_ms,
                                            .lateness_ms = rows[i].lateness_ms};
        if (watermark_late(&conf, rows[i].clock_ms, rows[i].time_ms, 100) != rows[i].late)
            fail_msg("row %zu", i);
    }
}

static void sane_times(void **state)
{
    (void)state;
    const int64_t most = 2 * INT64_C(8640000000000000);
    assert_true(watermark_sane(most) && watermark_sane(-most) && watermark_sane(WATERMARK_NONE));
    assert_false(watermark_sane(most + 1) || watermark_sane(-most - 1));
}

static void defaults(void **state)
{
    (void)state;
    struct watermark_conf conf;
    struct err e = {0};
    assert_true(config_defaults((const struct config_part[]){{watermark_rows, &conf}, {0}}, &e));
    assert_int_equal(conf.delay_ms, 10 * 1000);
    assert_int_equal(conf.lateness_ms, 10 * 60 * 1000);
    assert_int_equal(conf.idle_timeout_ms, 30 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floors),     cmocka_unit_test(watermarks), cmocka_unit_test(lateness),
        cmocka_unit_test(sane_times), cmocka_unit_test(defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
