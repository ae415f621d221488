/* Which rows are held out, and that no training row knows of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "fit/holdout.h"
#include "fitted.h"

/* u: 1 2 3; v: 1 2 1, not new to him; w: 3, alone; x: 4 5 6 7 5 8 9, of which 5 is not new, either */
static void the_last_rows_of_each_user(void **state)
{
    (void)state;
    static const struct fitted_row rows[] = {
        {"u", "3", 3}, {"u", "1", 1}, {"u", "2", 2}, {"v", "1", 1}, {"v", "2", 2},
        {"v", "1", 3}, {"w", "3", 9}, {"x", "4", 1}, {"x", "5", 2}, {"x", "6", 3},
        {"x", "7", 4}, {"x", "5", 5}, {"x", "8", 6}, {"x", "9", 7}};
    static const uint32_t wanted[] = {3, 8, 9}, train[] = {1, 2, 1, 2, 3, 4, 5, 6, 7};
    struct fitted *f = fitted_new(rows, COUNT_OF(rows));
    struct holdout h = holdout_of(&f->log, SETTINGS_LAST);
    uint32_t items[RANKER_ITEMS_MAX];
    assert_int_equal(h.n, COUNT_OF(wanted));
    for (size_t i = 0; i < h.n; i++)
        assert_int_equal(f->log.item[h.targets[i]], wanted[i] - 1); /* by number: "1" is 0 */
    assert_int_equal(holdout_items(&h, 0, items), 2);
    assert_true(items[0] == 0 && items[1] == 1);
    assert_true(holdout_masked(&h, items, 2, 0) && !holdout_masked(&h, items, 2, 2));
    assert_int_equal(holdout_items(&h, 2, items), 6); /* with what was held out before it */
    assert_int_equal(items[5], 7);
    assert_int_equal(sequences_n(&h.train), COUNT_OF(train));
    for (size_t i = 0; i < COUNT_OF(train); i++) assert_int_equal(h.train.item[i], train[i] - 1);
    holdout_finish(&h);
    fitted_free(f);
}

static void the_last_tenth_of_the_users(void **state)
{
    (void)state;
    struct fitted_row rows[200];
    unsigned seed = 9;
    fitted_random(rows, COUNT_OF(rows), 10, 8, &seed);
    for (size_t i = 0; i < COUNT_OF(rows); i++) /* u0 comes last */
        if (rows[i].user[1] == '0') rows[i].time_ms += 1000;
    struct fitted *f = fitted_new(rows, COUNT_OF(rows));
    struct holdout h = holdout_of(&f->log, SETTINGS_USERS);
    uint32_t items[RANKER_ITEMS_MAX];
    assert_true(h.n > 5);
    assert_int_equal(h.train.start[1], 0); /* nothing of u0 */
    assert_int_equal(sequences_n(&h.train), sequences_n(&f->log) - f->log.start[1]);
    for (size_t i = 0; i < h.n; i++) {
        assert_int_equal(f->log.user[h.targets[i]], 0);
        size_t n = holdout_items(&h, i, items);
        assert_int_equal(n, h.targets[i]);
        assert_false(holdout_masked(&h, items, n, f->log.item[h.targets[i]]));
        assert_true(holdout_masked(&h, items, n, items[n - 1]));
    }
    holdout_finish(&h);
    fitted_free(f);
}

/* u: 1 2 3 2; v: 1, then 2; w: 3, his first */
static void newer_rows_of_known_users(void **state)
{
    (void)state;
    static const struct fitted_row rows[] = {{"u", "1", 1}, {"u", "2", 2}, {"u", "3", 5},
                                             {"u", "2", 6}, {"v", "1", 4}, {"v", "2", 5},
                                             {"w", "3", 9}};
    struct fitted *f = fitted_new(rows, COUNT_OF(rows));
    static const struct {
        int64_t since_ms;
        size_t n;
    } cases[] = {{0, 3}, {3, 2}, {5, 2}, {6, 0}, {INT64_MAX, 0}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct holdout h = holdout_since(&f->log, cases[i].since_ms);
        assert_int_equal(h.n, cases[i].n);
        for (size_t k = 0; k < h.n; k++)
            assert_true(f->log.time_ms[h.targets[k]] >= cases[i].since_ms);
        holdout_finish(&h);
    }
    fitted_free(f);
}

static void measures(void **state)
{
    (void)state;
    struct holdout_measure m = {0};
    static const size_t ranks[] = {1, 3, 10, 11, 20, 21, 0};
    for (size_t i = 0; i < COUNT_OF(ranks); i++) holdout_count(&m, ranks[i]);
    assert_int_equal(m.n, 7);
    assert_true(m.hits == 3);
    assert_true(fabs(m.gain - (1 + 0.5 + 0.28906)) < 1e-4);
    assert_true(fabs(m.reciprocal - (1 + 1 / 3.0 + 0.1 + 1 / 11.0 + 0.05)) < 1e-9);
}

/* Everybody goes from 1 to 2: popular ranks 2 first once 1 is masked, transitions too. */
static void a_model_is_measured(void **state)
{
    (void)state;
    static const struct fitted_row rows[] = {{"u", "1", 1}, {"u", "2", 2}, {"v", "1", 1},
                                             {"v", "2", 2}, {"w", "1", 1}, {"w", "2", 2},
                                             {"x", "1", 1}, {"x", "3", 2}};
    struct fitted *f = fitted_new(rows, COUNT_OF(rows));
    struct holdout h = holdout_of(&f->log, SETTINGS_LAST);
    struct model *m = fitted_model(f, &transitions_kind);
    struct holdout_measure measured = holdout_measure(&h, m);
    assert_int_equal(measured.n, 4);
    assert_true(measured.hits == 4);
    assert_true(fabs(measured.reciprocal - (3.5)) < 1e-9);
    model_free(m);
    holdout_finish(&h);
    fitted_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_rows_of_each_user), cmocka_unit_test(the_last_tenth_of_the_users),
        cmocka_unit_test(newer_rows_of_known_users), cmocka_unit_test(measures),
        cmocka_unit_test(a_model_is_measured)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
