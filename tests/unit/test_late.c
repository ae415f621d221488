/* Late rows on their way: what was put in comes out, whole and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "count/late.h"

static struct event event_at(int64_t offset, int64_t time_ms)
{
    return (struct event){.position = {2, offset, 1}, .time_ms = time_ms};
}

static void a_row_comes_out_with_its_reasons(void **state)
{
    (void)state;
    struct late l;
    struct str key, value;
    late_init(&l);
    struct event event = event_at(7, 1000);
    late_add(&l, &event, 3, 99000, str_of("u,i,pv,1"));
    assert_int_equal(late_n(&l), 1);
    late_get(&l, 0, &key, &value);
    assert_true(str_eq(key, str_of("3:2:7:1")));
    assert_true(
        str_eq(value, str_of("{\"reason\":\"late\",\"source\":\"3:2:7:1\",\"bytes\":8,"
                             "\"base64\":\"dSxpLHB2LDE=\",\"time\":1000,\"clock\":99000}")));
    late_finish(&l);
}

static void many_rows_keep_their_order(void **state)
{
    (void)state;
    enum { ROWS = 3000 };
    struct late l;
    struct str key, value;
    char expected[EVENT_ID_BYTES], row[400];
    late_init(&l);
    for (int round = 0; round < 2; round++) {
        size_t bytes = 0;
        for (int i = 0; i < ROWS; i++) {
            struct event event = event_at(i, i);
            memset(row, 'x', sizeof row);
            late_add(&l, &event, round, i, (struct str){row, (size_t)i % sizeof row});
        }
        assert_int_equal(late_n(&l), ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            late_get(&l, i, &key, &value);
            struct event event = event_at((int64_t)i, 0);
            assert_true(str_eq(key, event_id(event.position, round, expected)));
            assert_true(value.at[0] == '{' && value.at[value.len - 1] == '}');
            bytes += key.len + value.len;
        }
        assert_int_equal(late_bytes(&l), bytes);
        late_clear(&l);
        assert_true(late_n(&l) == 0 && late_bytes(&l) == 0);
    }
    late_finish(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_comes_out_with_its_reasons),
        cmocka_unit_test(many_rows_keep_their_order),
    };
    return cmocka_run_group_tests_name("late", tests, NULL, NULL);
}
