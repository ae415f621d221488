/* Errors: the first one wins, in one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void statuses(void **state)
{
    (void)state;
    struct err failed = {0}, refused = {0}, fenced = {0};
    assert_false(err_set(&failed, "%s %d", "a", 1));
    assert_false(err_refuse(&refused, "b"));
    assert_false(err_fenced(&fenced, "c"));
    assert_int_equal(failed.status, 1);
    assert_int_equal(refused.status, 78);
    assert_int_equal(fenced.status, 79);
    assert_string_equal(failed.text, "a 1");
}

static void first_wins(void **state)
{
    (void)state;
    struct err e = {0};
    assert_false(err_set(&e, "first"));
    assert_false(err_refuse(&e, "second"));
    assert_int_equal(e.status, ERR_FAILED);
    assert_string_equal(e.text, "first");
}

static void one_line(void **state)
{
    (void)state;
    struct err e = {0};
    err_set(&e, "a server said: %s", "no\r\n\tway\x1b[31m\x7f \xe5\x95\x86");
    assert_string_equal(e.text, "a server said: no   way [31m  \xe5\x95\x86");
    struct err longer = {0};
    err_set(&longer, "%0*d", 10000, 7);
    assert_int_equal(strlen(longer.text), sizeof longer.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses),
        cmocka_unit_test(first_wins),
        cmocka_unit_test(one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
