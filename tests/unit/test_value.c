/* Values of configuration rows: what each type takes, refuses and prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/value.h"

#define DAY INT64_C(86400000)

static const struct config_row integer = {"s", "n", CONFIG_INT, .min = -5, .max = 100};
static const struct config_row natural = {"s", "n", CONFIG_INT};
static const struct config_row duration = {"s", "n", CONFIG_DURATION};
static const struct config_row short_duration = {"s", "n", CONFIG_DURATION, .min = 100,
                                                 .max = 5000};
static const struct config_row bytes = {"s", "n", CONFIG_BYTES};
static const struct config_row moment = {"s", "n", CONFIG_TIME};

static void numbers(void **state)
{
    (void)state;
    const struct {
        const struct config_row *row;
        const char *text;
        int64_t value;
        const char *printed; /* NULL = as it was written */
    } must[] = {
        {&integer, "-5", -5, NULL},
        {&integer, "100", 100, NULL},
        {&natural, "0", 0, NULL},
        {&natural, "9223372036854775807", INT64_MAX, NULL},
        {&duration, "0", 0, NULL},
        {&duration, "0s", 0, "0"},
        {&duration, "200ms", 200, NULL},
        {&duration, "1500ms", 1500, NULL},
        {&duration, "10s", 10000, NULL},
        {&duration, "120s", 120000, "2min"},
        {&duration, "5min", 300000, NULL},
        {&duration, "1h", 3600000, NULL},
        {&duration, "7d", 7 * DAY, NULL},
        {&short_duration, "100ms", 100, NULL},
        {&short_duration, "5s", 5000, NULL},
        {&bytes, "0", 0, NULL},
        {&bytes, "4097", 4097, NULL},
        {&bytes, "512KiB", 512 << 10, NULL},
        {&bytes, "64MiB", 64 << 20, NULL},
        {&bytes, "2GiB", INT64_C(2) << 30, NULL},
        {&bytes, "1024MiB", 1 << 30, "1GiB"},
        {&moment, "0", 0, "1970-01-01T00:00:00.000Z"},
        {&moment, "1511544070000", 1511544070000, "2017-11-24T17:21:10.000Z"},
        {&moment, "2017-11-25", 1511568000000, "2017-11-25T00:00:00.000Z"},
        {&moment, "2017-11-25T08:00:00Z", 1511596800000, "2017-11-25T08:00:00.000Z"},
        {&moment, "2017-11-25T08:00:00.123Z", 1511596800123, NULL},
        {&moment, "2020-02-29", 1582934400000, "2020-02-29T00:00:00.000Z"},
        {&moment, "1969-12-31T23:59:59.999Z", -1, NULL},
        {&moment, "-1", -1, "1969-12-31T23:59:59.999Z"},
        {&moment, "9223372036854775807", INT64_MAX, NULL},
        {&moment, "-9223372036854775808", INT64_MIN, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(must); i++) {
        int64_t value = 42;
        struct buf out;
        buf_init(&out, 100);
        if (!value_read(must[i].row, str_of(must[i].text), &value) || value != must[i].value)
            fail_msg("\"%s\" reads as %lld", must[i].text, (long long)value);
        value_write(must[i].row, &value, &out);
        const char *printed = must[i].printed ? must[i].printed : must[i].text;
        if (!str_eq(buf_str(&out), str_of(printed)))
            fail_msg("\"%s\" prints as \"%.*s\"", must[i].text, STR_ARGS(buf_str(&out)));
        int64_t again = 42;
        assert_true(value_read(must[i].row, buf_str(&out), &again) && again == value);
        buf_finish(&out);
    }
}

static void not_numbers(void **state)
{
    (void)state;
    const struct {
        const struct config_row *row;
        const char *text;
    } must_not[] = {
        {&integer, "-6"},
        {&integer, "101"},
        {&integer, ""},
        {&integer, "1k"},
        {&integer, "0x1"},
        {&natural, "-1"},
        {&natural, "9223372036854775808"},
        {&duration, ""},
        {&duration, "10"},
        {&duration, "s"},
        {&duration, "-1s"},
        {&duration, "1.5h"},
        {&duration, "10 s"},
        {&duration, "10S"},
        {&duration, "10m"},
        {&duration, "1s1s"},
        {&duration, "106751991168d"},
        {&short_duration, "99ms"},
        {&short_duration, "5001ms"},
        {&short_duration, "0"},
        {&bytes, "1K"},
        {&bytes, "1kB"},
        {&bytes, "-1"},
        {&bytes, "1 GiB"},
        {&bytes, "8589934592GiB"},
        {&moment, ""},
        {&moment, "now"},
        {&moment, "2017-11"},
        {&moment, "2017-2-3"},
        {&moment, "2017-02-30"},
        {&moment, "2019-02-29"},
        {&moment, "2017-13-01"},
        {&moment, "2017-11-25Z"},
        {&moment, "2017-11-25 08:00:00"},
        {&moment, "2017-11-25T08:00:00"},
        {&moment, "2017-11-25T08:00Z"},
        {&moment, "2017-11-25T8:00:00Z"},
        {&moment, "2017-11-25T24:00:00Z"},
        {&moment, "2017-11-25T08:00:60Z"},
        {&moment, "2017-11-25T08:00:00.1Z"},
        {&moment, "2017-11-25T08:00:00.1234Z"},
        {&moment, "2017-11-25T08:00:00.-12Z"},
        {&moment, "2017-11-25T08:00:00+01:00"},
        {&moment, "2017-11-25T08:00:00Zx"},
        {&moment, " 2017-11-25"},
        {&moment, "20171125T080000Z"},
        {&moment, "2017-11-25T08:00:00.000Zaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    };
    for (size_t i = 0; i < COUNT_OF(must_not); i++) {
        int64_t value = 42;
        if (value_read(must_not[i].row, str_of(must_not[i].text), &value) || value != 42)
            fail_msg("\"%s\" reads as %lld", must_not[i].text, (long long)value);
    }
}

static void words(void **state)
{
    (void)state;
    const struct config_row flag = {"s", "n", CONFIG_BOOL};
    const struct config_row choice = {"s", "n", CONFIG_CHOICE, .choices = "csv|json|x"};
    struct buf out;
    buf_init(&out, 100);
    bool on = false;
    assert_true(value_read(&flag, str_of("yes"), &on) && on);
    value_write(&flag, &on, &out);
    assert_true(value_read(&flag, str_of("no"), &on) && !on);
    value_write(&flag, &on, &out);
    assert_false(value_read(&flag, str_of("true"), &on) || value_read(&flag, str_of(""), &on));
    int which = 7;
    assert_true(value_read(&choice, str_of("csv"), &which) && which == 0);
    value_write(&choice, &which, &out);
    assert_true(value_read(&choice, str_of("x"), &which) && which == 2);
    value_write(&choice, &which, &out);
    assert_true(value_read(&choice, str_of("json"), &which) && which == 1);
    value_write(&choice, &which, &out);
    static const char *const must_not[] = {"", "xml", "CSV", "csv|json", "cs", "|"};
    for (size_t i = 0; i < COUNT_OF(must_not); i++)
        assert_false(value_read(&choice, str_of(must_not[i]), &which));
    assert_int_equal(which, 1);
    assert_true(str_eq(buf_str(&out), str_of("yesnocsvxjson")));
    buf_finish(&out);
}

static void texts(void **state)
{
    (void)state;
    const struct config_row text = {"s", "n", CONFIG_STR}, secret = {"s", "n", CONFIG_SECRET};
    struct buf out;
    buf_init(&out, 100);
    char *at = NULL;
    assert_true(value_read(&text, str_of("a b"), &at));
    assert_string_equal(at, "a b");
    assert_false(value_read(&text, str_of("a\nb"), &at));
    assert_false(value_read(&text, str_of("\xff"), &at));
    assert_string_equal(at, "a b");
    value_write(&text, &at, &out);
    value_write(&secret, &at, &out);
    assert_true(str_eq(buf_str(&out), str_of("a b****")));
    assert_true(value_read(&text, str_of(""), &at));
    assert_string_equal(at, "");
    buf_clear(&out);
    value_write(&secret, &at, &out);
    assert_int_equal(out.len, 0);
    value_free(&secret, &at);
    assert_null(at);
    value_free(&text, &at);
    buf_finish(&out);
}

static void descriptions(void **state)
{
    (void)state;
    const struct {
        struct config_row row;
        const char *text;
    } rows[] = {
        {{"s", "n", CONFIG_INT}, "a whole number"},
        {{"s", "n", CONFIG_INT, .min = 1, .max = 9}, "a whole number, from 1 to 9"},
        {{"s", "n", CONFIG_INT, .max = 9}, "a whole number, up to 9"},
        {{"s", "n", CONFIG_INT, .min = 1, .max = INT64_MAX}, "a whole number, from 1"},
        {{"s", "n", CONFIG_DURATION, .min = 1, .max = 60000},
         "a duration like 200ms, 10s, 5min, 1h or 7d, from 1ms to 1min"},
        {{"s", "n", CONFIG_CHOICE, .choices = "a|b"}, "one of a|b"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        buf_init(&out, 200);
        value_describe(&rows[i].row, &out);
        if (!str_eq(buf_str(&out), str_of(rows[i].text)))
            fail_msg("\"%.*s\" is not \"%s\"", STR_ARGS(buf_str(&out)), rows[i].text);
        buf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(not_numbers),  cmocka_unit_test(words),
        cmocka_unit_test(texts),   cmocka_unit_test(descriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
