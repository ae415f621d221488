/* Which panes make a window and which windows hold a pane, against the definition of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/window.h"

static void panes_hold_their_times(void **state)
{
    (void)state;
    const struct window_conf conf = {.size_ms = 30, .slide_ms = 10};
    for (int64_t t = -100; t <= 100; t++) {
        int64_t pane = window_pane(&conf, t);
        assert_true(pane * 10 <= t && t < (pane + 1) * 10);
    }
}

/* A window [end - size, end) holds the pane [k*slide, (k+1)*slide) if it holds all of it. */
static bool holds(const struct window_conf *conf, int64_t end_ms, int64_t pane)
{
    return pane * conf->slide_ms >= end_ms - conf->size_ms && (pane + 1) * conf->slide_ms <= end_ms;
}

static void windows_and_panes_know_each_other(void **state)
{
    (void)state;
    for (int64_t slide = 1; slide <= 7; slide += 3)
        for (int64_t n = 1; n <= 5; n++) {
            const struct window_conf conf = {.size_ms = n * slide, .slide_ms = slide};
            for (int64_t end = -20 * slide; end <= 20 * slide; end += slide)
                for (int64_t pane = -20; pane <= 20; pane++) {
                    bool by_window = pane >= window_first_pane(&conf, end) &&
                                     pane <= window_last_pane(&conf, end);
                    bool by_pane =
                        end >= window_first_end(&conf, pane) && end <= window_last_end(&conf, pane);
                    assert_int_equal(by_window, holds(&conf, end, pane));
                    assert_int_equal(by_pane, holds(&conf, end, pane));
                }
        }
}

static void a_size_is_a_multiple_of_the_slide(void **state)
{
    (void)state;
    const struct {
        int64_t size_ms, slide_ms;
        bool good;
    } rows[] = {{30, 10, true}, {10, 10, true}, {35, 10, false}, {5, 10, false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err e = {0};
        const struct window_conf conf = {.size_ms = rows[i].size_ms, .slide_ms = rows[i].slide_ms};
        assert_int_equal(window_check(&conf, &e), rows[i].good);
        assert_int_equal(e.status, rows[i].good ? ERR_NONE : ERR_REFUSED);
    }
}

static void defaults_go_together(void **state)
{
    (void)state;
    struct window_conf conf;
    struct err e = {0};
    assert_true(config_defaults((const struct config_part[]){{window_rows, &conf}, {0}}, &e));
    assert_true(window_check(&conf, &e));
    assert_int_equal(conf.size_ms, 3600 * 1000);
    assert_int_equal(conf.slide_ms, 300 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panes_hold_their_times),
        cmocka_unit_test(windows_and_panes_know_each_other),
        cmocka_unit_test(a_size_is_a_multiple_of_the_slide),
        cmocka_unit_test(defaults_go_together),
    };
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
