/* What a commit says: read back as written, and refused where it means something else today. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recommend/settings.h"

static const struct rounds_mark mark = {
    77, {1511544070123, 1511544060000}, 1511544040000, 80, 1511544080000};

static struct settings today(void)
{
    struct rounds_conf conf = {20000, {10000, 600000, 0}};
    return (struct settings){settings_digest(&conf, 3600000), 3, 2, 4, false};
}

static bool back(const struct settings *written, const struct settings *read,
                 struct rounds_mark *ret_mark, struct err *e)
{
    struct checkpoint point = {.partition = 1, .offset = mark.offset};
    settings_write(written, &mark, point.metadata);
    assert_true(strlen(point.metadata) < CHECKPOINT_METADATA_BYTES);
    return settings_read(read, &point, ret_mark, e);
}

static void is_read_back(void **state)
{
    (void)state;
    struct settings s = today();
    struct rounds_mark found;
    struct err e = {0};
    assert_true(back(&s, &s, &found, &e));
    assert_int_equal(found.offset, mark.offset);
    assert_int_equal(found.state.clock_ms, mark.state.clock_ms);
    assert_int_equal(found.state.line_ms, mark.state.line_ms);
    assert_int_equal(found.done_ms, mark.done_ms);
    assert_int_equal(found.cut_offset, mark.cut_offset);
    assert_int_equal(found.cut_line_ms, mark.cut_line_ms);
}

static void fits_at_its_longest(void **state)
{
    (void)state;
    int64_t most = -INT64_MAX;
    struct settings s = {most, most, most, most, false};
    struct rounds_mark long_mark = {0, {most, most}, most, most, most}, found;
    struct checkpoint point = {0};
    struct err e = {0};
    settings_write(&s, &long_mark, point.metadata);
    assert_false(settings_read(&s, &point, &found, &e)); /* it was read, but cannot be */
    assert_non_null(strstr(e.text, "numbers that cannot be"));
}

static void numbers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    const int64_t far = INT64_C(17280000000000000);
    for (int which = 0; which <= 10; which++) {
        struct rounds_mark odd = mark, found;
        int64_t *times[] = {&odd.state.clock_ms, &odd.state.line_ms, &odd.done_ms,
                            &odd.cut_line_ms};
        if (which < 8) *times[which / 2] = which % 2 ? far + 1 : -far - 1;
        if (which == 8) odd.cut_offset = -1;
        if (which == 9) odd.cut_line_ms = far;
        struct settings s = {1, 2, 3, 4, false};
        struct checkpoint point = {.partition = 1};
        struct err e = {0};
        settings_write(&s, &odd, point.metadata);
        assert_int_equal(settings_read(&s, &point, &found, &e), which >= 9);
        assert_int_equal(e.status, which >= 9 ? ERR_NONE : ERR_REFUSED);
    }
}

static void nothing_said_is_a_beginning(void **state)
{
    (void)state;
    struct settings s = today();
    struct checkpoint point = {.offset = 5};
    struct rounds_mark found;
    struct err e = {0};
    assert_true(settings_read(&s, &point, &found, &e));
    assert_int_equal(found.offset, 5);
    assert_int_equal(found.state.clock_ms, WATERMARK_NONE);
    assert_int_equal(found.state.line_ms, WATERMARK_NONE);
    assert_int_equal(found.done_ms, WATERMARK_NONE);
    assert_int_equal(found.cut_offset, ROUNDS_NO_CUT);
}

static void is_refused(struct settings then, struct settings now, const char *remedy)
{
    struct rounds_mark found;
    struct err e = {0};
    assert_false(back(&then, &now, &found, &e));
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, remedy));
}

static void other_settings_are_refused(void **state)
{
    (void)state;
    struct settings now = today(), then = today();
    then.digest++;
    is_refused(then, now, "weir-reset recommend");
    then = today();
    then.source_epoch--;
    is_refused(then, now, "weir-reset recommend");
    then = today();
    then.epoch++;
    is_refused(then, now, "weir-reset recommend");
    then = today();
    then.partition_n--;
    is_refused(then, now, "allow_moved_users");
    now.allow_moved_users = true;
    struct rounds_mark found;
    struct err e = {0};
    assert_true(back(&then, &now, &found, &e));
}

static void every_setting_changes_the_digest(void **state)
{
    (void)state;
    struct rounds_conf conf = {20000, {10000, 600000, 0}}, other = conf;
    int64_t digest = settings_digest(&conf, 1);
    assert_int_not_equal(digest, settings_digest(&conf, 2));
    other.interval_ms++;
    assert_int_not_equal(digest, settings_digest(&other, 1));
    other = conf;
    other.time.delay_ms++;
    assert_int_not_equal(digest, settings_digest(&other, 1));
    other = conf;
    other.time.lateness_ms++;
    assert_int_not_equal(digest, settings_digest(&other, 1));
    other = conf;
    other.time.idle_timeout_ms++; /* decides when, not what */
    assert_int_equal(digest, settings_digest(&other, 1));
}

static void strange_text_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"v=2 clock=1", "v=1", "clock=1", "v=1 clock=x line=1", " "};
    struct settings s = today();
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct checkpoint point = {0};
        struct rounds_mark found;
        struct err e = {0};
        snprintf(point.metadata, sizeof point.metadata, "%s", texts[i]);
        assert_false(settings_read(&s, &point, &found, &e));
        assert_int_equal(e.status, ERR_REFUSED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_back),
        cmocka_unit_test(fits_at_its_longest),
        cmocka_unit_test(numbers_that_cannot_be_are_refused),
        cmocka_unit_test(nothing_said_is_a_beginning),
        cmocka_unit_test(other_settings_are_refused),
        cmocka_unit_test(every_setting_changes_the_digest),
        cmocka_unit_test(strange_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
