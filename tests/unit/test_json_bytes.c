/* JSON as bytes: what is written a reader of JSON reads back, and a text is bounded before it is
 * parsed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_bytes.h"
#include "base/mem.h"

static void expect(void (*put)(struct buf *, struct str), const char *id, const char *json)
{
    struct buf b;
    buf_init(&b, 1000);
    put(&b, str_of(id));
    assert_true(str_eq(buf_str(&b), str_of(json)));
    buf_finish(&b);
}

static void strings(void **state)
{
    (void)state;
    expect(json_bytes_str, "", "\"\"");
    expect(json_bytes_str, "plain \xe5\x95\x86", "\"plain \xe5\x95\x86\"");
    expect(json_bytes_str, "\"", "\"\\\"\"");
    expect(json_bytes_str, "a\\b\"c", "\"a\\\\b\\\"c\"");
    expect(json_bytes_str, "\n\x1f", "\"\\u000a\\u001f\"");
}

static void ids(void **state)
{
    (void)state;
    static const char *const integers[] = {"0", "7", "123456", "9007199254740991"};
    static const char *const texts[] = {
        "9007199254740992",     "00",  "01", "-1", "+1", "1.0", "1e3", " 1", "1 ", "a",
        "99999999999999999999", "0x10"};
    for (size_t i = 0; i < COUNT_OF(integers); i++) expect(json_bytes_id, integers[i], integers[i]);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char quoted[40];
        snprintf(quoted, sizeof quoted, "\"%s\"", texts[i]);
        expect(json_bytes_id, texts[i], quoted);
    }
}

static void depth(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t depth;
    } rows[] = {{"1", 0},
                {"[]", 1},
                {"[[],[]]", 2},
                {"{\"a\":[{}]}", 3},
                {"\"[[[[\"", 0},
                {"[\"\\\"[[\"]", 1},
                {"[[[[[[[[", 8},
                {"]]]][", 1},
                {"[\"a\\\\\",[]]", 2}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str text = str_of(rows[i].text);
        assert_true(json_bytes_bounded(text, rows[i].depth, 100));
        if (rows[i].depth) assert_false(json_bytes_bounded(text, rows[i].depth - 1, 100));
    }
}

static void values(void **state)
{
    (void)state;
    assert_true(json_bytes_bounded(str_of("[1,2,3]"), 9, 4));
    assert_false(json_bytes_bounded(str_of("[1,2,3]"), 9, 3));
    assert_false(json_bytes_bounded(str_of("[[[],[],[]"), 9, 5));
    assert_true(json_bytes_bounded(str_of("[\",,,,,,,,\"]"), 9, 2));
}

static void unfinished_strings(void **state)
{
    (void)state;
    static const char *const texts[] = {"\"", "\"\\", "[\"a\\", "[\"a\\\"", ""};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        size_t len = strlen(texts[i]);
        char *exact = mem_zero(len, 1); /* a read behind the end is seen by the sanitizer */
        memcpy(exact, texts[i], len);
        assert_true(json_bytes_bounded((struct str){exact, len}, 1, 100));
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),
        cmocka_unit_test(ids),
        cmocka_unit_test(depth),
        cmocka_unit_test(values),
        cmocka_unit_test(unfinished_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
