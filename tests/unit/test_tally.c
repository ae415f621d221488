/* What the replay tells of a log: disorder and lateness are judged partition by partition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "replay/tally.h"

static const struct watermark_conf rules = {.delay_ms = 10, .lateness_ms = 100};

static void each_partition_has_its_clock(void **state)
{
    (void)state;
    struct tally t;
    tally_init(&t, 2);
    tally_sent(&t, &rules, 50, 0, 1000);
    tally_sent(&t, &rules, 50, 1, 10); /* far behind the other partition: no matter */
    assert_int_equal(t.disordered_n, 0);
    tally_sent(&t, &rules, 50, 0, 999);
    assert_int_equal(t.disordered_n, 1);
    assert_int_equal(t.late_n, 0);
    tally_sent(&t, &rules, 50, 0, 849); /* its pane ends at 850, 850 + 100 <= 1000 - 10 */
    assert_int_equal(t.late_n, 1);
    tally_sent(&t, &rules, 50, 0, 900); /* its pane ends at 950 */
    assert_int_equal(t.late_n, 1);
    assert_int_equal(t.sent_n, 5);
    tally_finish(&t);
}

static void bad_rows_are_told_by_reason(void **state)
{
    (void)state;
    struct tally t;
    struct buf text;
    buf_init(&text, 1000);
    tally_init(&t, 1);
    tally_bad(&t, DECODE_TIME);
    tally_bad(&t, DECODE_TIME);
    tally_bad(&t, DECODE_USER);
    tally_text(&t, &text);
    assert_non_null(strstr(text.at, "bad=3"));
    assert_non_null(strstr(text.at, "bad_time=2"));
    assert_non_null(strstr(text.at, "bad_user=1"));
    assert_null(strstr(text.at, "bad_item"));
    buf_finish(&text);
    tally_finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_partition_has_its_clock),
                                       cmocka_unit_test(bad_rows_are_told_by_reason)};
    return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
