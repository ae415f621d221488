/* Times as text, and the clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/clock.h"

static void texts(void **state)
{
    (void)state;
    const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1511568000000, "2017-11-25T00:00:00.000Z"},
        {1511596800123, "2017-11-25T08:00:00.123Z"},
        {1582934400000, "2020-02-29T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {-1001, "1969-12-31T23:59:58.999Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9223372036854775807ms"},
        {INT64_MIN, "-9223372036854775808ms"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[CLOCK_TEXT_BYTES];
        assert_ptr_equal(clock_text(rows[i].ms, text), text);
        assert_string_equal(text, rows[i].text);
    }
}

static void clocks(void **state)
{
    (void)state;
    int64_t before_us = clock_now_us(), ms = clock_now_ms(), after_us = clock_now_us();
    assert_true(before_us / 1000 <= ms && ms <= after_us / 1000);
    assert_true(clock_wall_ms() > INT64_C(1700000000000)); /* after 2023 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(clocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
