/* The weights of behaviours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/weights.h"

static void good_lists(void **state)
{
    (void)state;
    const struct {
        const char *spec, *behavior;
        int64_t weight;
    } rows[] = {
        {"", "pv", 9},
        {"pv:1,cart:2", "pv", 1},
        {"pv:1,cart:2", "cart", 2},
        {"pv:1,cart:2", "buy", 9},
        {"pv:1,cart:2", "p", 9},
        {"pv:1,cart:2", "pvx", 9},
        {"pv:1,cart:2", NULL, 9}, /* the log has no such column */
        {"pv:1,cart:2", "", 9},
        {" pv : 0 , cart:1000000", "pv", 0},
        {" pv : 0 , cart:1000000", "cart", 1000000},
        {"pv:1,", "pv", 1}, /* a comma at the end */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct weights w;
        struct err e = {0};
        if (!weights_parse(&w, rows[i].spec, 9, &e)) fail_msg("%s", e.text);
        if (weights_of(&w, str_of(rows[i].behavior)) != rows[i].weight) fail_msg("row %zu", i);
    }
}

static void bad_lists(void **state)
{
    (void)state;
    static const char *const specs[] = {
        "pv",
        "pv:",
        ":1",
        "pv:x",
        "pv:-1",
        "pv:1000001",
        "pv:1.5",
        "pv:1:2",
        "pv:1,,a:1",
        "pv:1,pv:1",
        "pv:1, pv :2",
        ",pv:1",
        "pv:9999999999999999999999",
        "0123456789012345678901234567890123456789012345678901234567890123:1",
    };
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        struct weights w;
        struct err e = {0};
        if (weights_parse(&w, specs[i], 1, &e)) fail_msg("\"%s\" is taken", specs[i]);
        assert_int_equal(e.status, ERR_REFUSED);
    }
}

static void at_most_32(void **state)
{
    (void)state;
    char spec[400] = "b0:0";
    for (int i = 1; i <= WEIGHTS_MAX; i++) {
        struct weights w;
        struct err e = {0};
        assert_true(weights_parse(&w, spec, 9, &e));
        assert_int_equal(w.n, i);
        char last[16];
        snprintf(last, sizeof last, "b%d", i - 1);
        assert_int_equal(weights_of(&w, str_of(last)), i - 1);
        sprintf(spec + strlen(spec), ",b%d:%d", i, i);
    }
    struct weights w;
    struct err e = {0};
    assert_false(weights_parse(&w, spec, 9, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lists),
        cmocka_unit_test(bad_lists),
        cmocka_unit_test(at_most_32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
