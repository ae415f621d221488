/* The growing buffer and its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void additions(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100000);
    assert_int_equal(buf_str(&b).len, 0);
    assert_non_null(buf_str(&b).at);
    buf_add_str(&b, str_of("a"));
    buf_add(&b, "\0b", 2);
    buf_add(&b, NULL, 0);
    buf_add_str(&b, (struct str){0});
    buf_printf(&b, "%d-%s", 7, "c");
    assert_int_equal(buf_str(&b).len, 6);
    assert_memory_equal(buf_str(&b).at, "a\0b7-c", 6);
    buf_finish(&b);
    assert_null(b.at);
}

static void growth(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5000);
    for (int i = 0; i < 1000; i++) buf_printf(&b, "%05d", i);
    assert_false(b.overflow);
    assert_int_equal(b.len, 5000);
    assert_true(b.cap <= 5000);
    for (int i = 0; i < 1000; i++) {
        char want[16];
        snprintf(want, sizeof want, "%05d", i);
        assert_memory_equal(b.at + i * 5, want, 5);
    }
    buf_finish(&b);
}

static void limit(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    buf_add(&b, "abcd", 4);
    assert_false(b.overflow);
    buf_add(&b, "", 0);
    assert_false(b.overflow);
    buf_add(&b, "e", 1);
    assert_true(b.overflow);
    assert_int_equal(b.len, 4);
    buf_clear(&b);
    buf_add(&b, "abcde", 5); /* nothing of it */
    buf_add(&b, "f", 1);     /* nor what follows */
    buf_printf(&b, "%d", 1);
    assert_true(b.overflow);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
    assert_false(b.overflow);
    buf_add(&b, "x", 1);
    assert_true(str_eq(buf_str(&b), str_of("x")));
    buf_finish(&b);
}

static void no_room_at_all(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    buf_add(&b, "", 0);
    assert_false(b.overflow);
    buf_add(&b, "a", 1);
    assert_true(b.overflow);
    buf_finish(&b);
}

static void extension(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    buf_add(&b, "ab", 2);
    memcpy(buf_extend(&b, 3), "cde", 3);
    assert_true(str_eq(buf_str(&b), str_of("abcde")));
    assert_null(buf_extend(&b, 1));
    assert_true(b.overflow);
    buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(additions),      cmocka_unit_test(growth),    cmocka_unit_test(limit),
        cmocka_unit_test(no_room_at_all), cmocka_unit_test(extension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
