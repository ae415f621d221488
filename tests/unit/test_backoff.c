/* Pauses between tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/backoff.h"

static void pauses_double_up_to_a_limit(void **state)
{
    (void)state;
    struct backoff b = {0};
    assert_int_equal(backoff_left_ms(&b, 1000), 0);
    for (int64_t most = BACKOFF_FIRST_MS; most < BACKOFF_LAST_MS; most *= 2) {
        backoff_failed(&b, 1000);
        assert_in_range(backoff_left_ms(&b, 1000), most / 2, most);
    }
    for (int i = 0; i < 100; i++) backoff_failed(&b, 1000);
    assert_in_range(backoff_left_ms(&b, 1000), BACKOFF_LAST_MS / 2, BACKOFF_LAST_MS);
}

static void a_pause_ends(void **state)
{
    (void)state;
    struct backoff b = {0};
    backoff_failed(&b, 1000);
    int64_t left_ms = backoff_left_ms(&b, 1000);
    assert_int_equal(backoff_left_ms(&b, 1000 + left_ms - 1), 1);
    assert_int_equal(backoff_left_ms(&b, 1000 + left_ms), 0);
    backoff_done(&b);
    backoff_failed(&b, 1000);
    assert_in_range(backoff_left_ms(&b, 1000), BACKOFF_FIRST_MS / 2, BACKOFF_FIRST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_up_to_a_limit),
        cmocka_unit_test(a_pause_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
