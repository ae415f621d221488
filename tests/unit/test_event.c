/* Ids and the order of positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/event.h"

static void an_id_names_the_row(void **state)
{
    (void)state;
    char text[EVENT_ID_BYTES];
    const struct position p = {3, 12, 0};
    assert_true(str_eq(event_id(p, 7, text), str_of("7:3:12:0")));
    const struct position last = {INT32_MAX, INT64_MAX, INT32_MAX};
    struct str id = event_id(last, INT64_MAX, text);
    assert_true(id.len < EVENT_ID_BYTES);
    assert_true(
        str_eq(id, str_of("9223372036854775807:2147483647:9223372036854775807:2147483647")));
}

/* By numbers, not by their digits: each of these comes before the next. */
static void positions_are_ordered(void **state)
{
    (void)state;
    const struct position rows[] = {{0, 0, 0},  {0, 0, 2}, {0, 0, 10}, {0, 9, 1},
                                    {0, 10, 0}, {1, 0, 0}, {1, 0, 99}, {1, INT64_MAX, 0},
                                    {2, 0, 0},  {10, 0, 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t j = 0; j < COUNT_OF(rows); j++) {
            int order = event_position_cmp(rows[i], rows[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_names_the_row),
        cmocka_unit_test(positions_are_ordered),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
