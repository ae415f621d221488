/* Slates: copies that stay, their words, and the ids of recommendations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/slate.h"

static void a_slate_is_a_copy(void **state)
{
    (void)state;
    char one[] = "one", two[] = "", three[] = "3";
    const struct str items[] = {str_of(one), str_of(two), str_of(three)};
    struct slate *s = slate_new(SLATE_MIXED, items, 3);
    memset(one, 'x', 3);
    three[0] = 'x';
    assert_int_equal(s->source, SLATE_MIXED);
    assert_int_equal(s->n, 3);
    assert_true(str_eq(s->items[0], str_of("one")));
    assert_true(slate_has(s, str_of("one")) && slate_has(s, str_of("")) &&
                slate_has(s, str_of("3")));
    assert_false(slate_has(s, str_of("on")) || slate_has(s, str_of("one3")));
    free(s);
    s = slate_new(SLATE_NONE, NULL, 0);
    assert_false(slate_has(s, str_of("")));
    free(s);
}

static void words_are_read_back(void **state)
{
    (void)state;
    enum slate_source found;
    for (int i = 0; i < SLATE_SOURCE_N; i++) {
        assert_true(slate_source_of(str_of(slate_source_name((enum slate_source)i)), &found));
        assert_int_equal(found, i);
    }
    const char *const strangers[] = {"", "Hot", "hot ", "modelx", NULL};
    for (size_t i = 0; i < COUNT_OF(strangers); i++)
        assert_false(slate_source_of(str_of(strangers[i]), &found));
}

static void an_id_is_user_and_end(void **state)
{
    (void)state;
    char text[SLATE_ID_BYTES], longest[EVENT_KEY_MAX];
    assert_true(str_eq(slate_id(str_of("u1"), 20000, text), str_of("u1\x1f"
                                                                   "20000")));
    memset(longest, 'u', sizeof longest);
    struct str id = slate_id((struct str){longest, sizeof longest}, INT64_MIN, text);
    assert_int_equal(id.len, SLATE_ID_BYTES - 1);
    assert_memory_equal(text + EVENT_KEY_MAX, "\x1f-9223372036854775808", 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slate_is_a_copy),
        cmocka_unit_test(words_are_read_back),
        cmocka_unit_test(an_id_is_user_and_end),
    };
    return cmocka_run_group_tests_name("slate", tests, NULL, NULL);
}
