/* The decoder: which rows are good, why the others are bad, and where rows end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/config.h"
#include "io/decode.h"

static struct decode_conf conf_with(const char *const options[])
{
    struct decode_conf conf = {0};
    struct config_part parts[] = {{decode_rows, &conf}, {0}};
    struct err e = {0};
    assert_true(config_defaults(parts, &e));
    for (; *options; options++) assert_true(config_option(parts, *options, &e));
    return conf;
}

static void conf_free(struct decode_conf *conf)
{
    config_free((struct config_part[]){{decode_rows, conf}, {0}});
}

static struct decoder *decoder_with(const char *const options[])
{
    struct err e = {0};
    struct decode_conf conf = conf_with(options);
    struct decoder *d = decode_new(&conf, &e);
    assert_non_null(d);
    conf_free(&conf);
    return d;
}

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define BYTES(literal) ((struct str){literal, sizeof(literal) - 1})

struct want {
    struct str row;
    enum decode_verdict verdict;
};

static void check(const char *const options[], const struct want *wants, size_t n)
{
    struct decoder *d = decoder_with(options);
    struct record r = {.partition = 3, .offset = 70, .timestamp_ms = -1};
    for (size_t i = 0; i < n; i++) {
        struct event event;
        enum decode_verdict verdict = decode_row(d, &r, wants[i].row, 0, &event);
        if (verdict != wants[i].verdict)
            fail_msg("row %zu \"%.*s\": %s, not %s", i, STR_ARGS(wants[i].row),
                     decode_reason(verdict), decode_reason(wants[i].verdict));
    }
    decode_free(d);
}

static void csv_rows(void **state)
{
    (void)state;
    const struct want wants[] = {
        {BYTES("1,2268318,2520377,pv,1511544070"), DECODE_GOOD},
        {BYTES("1,2,3,pv,1511544070\r"), DECODE_GOOD},
        {BYTES("1,2,3,pv,1511544070\r\r"), DECODE_TIME},
        {BYTES("1,2,,,1511544070"), DECODE_GOOD},
        {BYTES("\"u\",it em,3,pv,1511544070"), DECODE_GOOD},
        {BYTES("\xc3\xa4,\xe4\xb8\xad,3,pv,1511544070"), DECODE_GOOD},
        {BYTES("\xef\xbb\xbf"
               "1,2,3,pv,1511544070"),
         DECODE_GOOD}, /* a BOM is text */
        {BYTES(""), DECODE_EMPTY},
        {BYTES("\r"), DECODE_EMPTY},
        {BYTES("1"), DECODE_COLUMNS},
        {BYTES(",,,,"), DECODE_USER},
        {BYTES("1,2,3,pv"), DECODE_COLUMNS},
        {BYTES("1,2,3,pv,1511544070,"), DECODE_COLUMNS},
        {BYTES(",2,3,pv,1511544070"), DECODE_USER},
        {BYTES("1,,3,pv,1511544070"), DECODE_ITEM},
        {BYTES("1\0,2,3,pv,1511544070"), DECODE_USER},
        {BYTES("1,2\r,3,pv,1511544070"), DECODE_ITEM},
        {BYTES("1,2,3,p\tv,1511544070"), DECODE_FIELD},
        {BYTES("1,2,3\x7f,pv,1511544070"), DECODE_FIELD},
        {BYTES("\xff,2,3,pv,1511544070"), DECODE_USER},
        {BYTES("\xc0\xaf,2,3,pv,1511544070"), DECODE_USER},     /* overlong */
        {BYTES("1,\xe0\x80\xaf,3,pv,1511544070"), DECODE_ITEM}, /* overlong */
        {BYTES("1,\xed\xa0\x80,3,pv,1511544070"), DECODE_ITEM}, /* surrogate */
        {BYTES("1,2,3,\xc2\x85,1511544070"), DECODE_FIELD},     /* C1 control */
        {BYTES("1,2,3,\xe4\xb8,1511544070"), DECODE_FIELD},     /* cut short */
        {BYTES("1,2,3,pv,"), DECODE_TIME},
        {BYTES("1,2,3,pv,-"), DECODE_TIME},
        {BYTES("1,2,3,pv, 1511544070"), DECODE_TIME},
        {BYTES("1,2,3,pv,1511544070.5"), DECODE_TIME},
        {BYTES("1,2,3,pv,0x5a18"), DECODE_TIME},
        {BYTES("1,2,3,pv,9223372036854775808"), DECODE_TIME},
        {BYTES("1,2,3,pv,9223372036854775807"), DECODE_RANGE}, /* x 1000 overflows */
        {BYTES("1,2,3,pv,-9223372036854775808"), DECODE_RANGE},
        {BYTES("1,2,3,pv,631151999"), DECODE_RANGE}, /* 1989-12-31T23:59:59Z */
        {BYTES("1,2,3,pv,631152000"), DECODE_GOOD},
        {BYTES("1,2,3,pv,4102444800"), DECODE_GOOD},
        {BYTES("1,2,3,pv,4102444801"), DECODE_RANGE},
    };
    check(OPTIONS(), wants, COUNT_OF(wants));
}

static void json_rows(void **state)
{
    (void)state;
    const struct want wants[] = {
        {BYTES(
             "{\"user\":1,\"item\":\"2\",\"category\":3,\"behavior\":\"pv\",\"time\":1511544070}"),
         DECODE_GOOD},
        {BYTES("{\"user\":\"1\",\"item\":2,\"time\":\"1511544070\"}\r"), DECODE_GOOD},
        {BYTES("{\"user\":1,\"item\":2,\"time\":1511544070,\"more\":[{}],\"category\":null}"),
         DECODE_GOOD},
        {BYTES("{\"user\":\"\\u4e2d\",\"item\":2,\"time\":1511544070}"), DECODE_GOOD},
        {BYTES(""), DECODE_EMPTY},
        {BYTES("[1,2]"), DECODE_COLUMNS},
        {BYTES("7"), DECODE_COLUMNS},
        {BYTES("{\"user\":1,\"item\":2,\"time\":1511544070"), DECODE_COLUMNS},
        {BYTES("{\"user\":1,\"item\":2,\"time\":1511544070} x"), DECODE_COLUMNS},
        {BYTES("{\"user\":1,\"user\":2,\"item\":2,\"time\":1511544070}"), DECODE_COLUMNS},
        {BYTES("{\"user\":1,\"item\":2}"), DECODE_COLUMNS},
        {BYTES("{\"user\":null,\"item\":2,\"time\":1511544070}"), DECODE_COLUMNS},
        {BYTES("{\"user\":\"\\u0000\",\"item\":2,\"time\":1511544070}"), DECODE_COLUMNS},
        {BYTES("{\"user\":\"\xff\",\"item\":2,\"time\":1511544070}"), DECODE_COLUMNS},
        {BYTES("{\"user\":123456789012345678901,\"item\":2,\"time\":1511544070}"), DECODE_COLUMNS},
        {BYTES("{\"user\":1.5,\"item\":2,\"time\":1511544070}"), DECODE_USER},
        {BYTES("{\"user\":\"\",\"item\":2,\"time\":1511544070}"), DECODE_USER},
        {BYTES("{\"user\":1,\"item\":true,\"time\":1511544070}"), DECODE_ITEM},
        {BYTES("{\"user\":1,\"item\":\"a\\nb\",\"time\":1511544070}"), DECODE_ITEM},
        {BYTES("{\"user\":1,\"item\":2,\"category\":[],\"time\":1511544070}"), DECODE_FIELD},
        {BYTES("{\"user\":1,\"item\":2,\"time\":1511544070.0}"), DECODE_TIME},
        {BYTES("{\"user\":1,\"item\":2,\"time\":1}"), DECODE_RANGE},
    };
    check(OPTIONS("record.format=json"), wants, COUNT_OF(wants));
}

/* A row of len bytes whose first field fills it up, or whose field number `column` has `len` bytes. */
static struct str row_with(char *to, size_t column, size_t len)
{
    const char *fields[] = {"1", "2", "3", "pv", "1511544070"};
    struct str row = {to, 0};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        size_t n = i == column ? len : strlen(fields[i]);
        if (i == column)
            memset(to + row.len, 'x', n);
        else
            memcpy(to + row.len, fields[i], n);
        row.len += n;
        if (i < 4) to[row.len++] = ',';
    }
    return row;
}

static void sizes(void **state)
{
    (void)state;
    static char text[8][70000];
    const struct want wants[] = {
        {row_with(text[0], 0, 256), DECODE_GOOD},        {row_with(text[1], 0, 257), DECODE_USER},
        {row_with(text[2], 1, 256), DECODE_GOOD},        {row_with(text[3], 1, 257), DECODE_ITEM},
        {row_with(text[4], 3, 4096), DECODE_GOOD},       {row_with(text[5], 3, 4097), DECODE_FIELD},
        {row_with(text[6], 0, 65536 - 18), DECODE_USER}, /* 65536 bytes: still looked at */
        {row_with(text[7], 0, 65537 - 18), DECODE_LONG},
    };
    assert_int_equal(wants[6].row.len, DECODE_ROW_MAX_BYTES);
    check(OPTIONS(), wants, COUNT_OF(wants));
}

static void an_event_has_all_columns(void **state)
{
    (void)state;
    struct decoder *d = decoder_with(OPTIONS("record.columns=time,-,item,shop,user",
                                             "record.separator=\\t", "record.time_unit=ms"));
    struct record r = {.partition = 3, .offset = 70};
    struct event event;
    struct str row = BYTES("1511544070123\t\xff\tapple\tS1\tann");
    assert_int_equal(decode_row(d, &r, row, 5, &event), DECODE_GOOD);
    assert_true(str_eq(event.user, str_of("ann")));
    assert_true(str_eq(event.item, str_of("apple")));
    assert_null(event.behavior.at);
    assert_true(str_eq(event.fields[3], str_of("S1")));
    assert_true(columns_kept(event.columns, 3) && !columns_kept(event.columns, 1));
    assert_int_equal(event.time_ms, 1511544070123);
    assert_int_equal(event.position.partition, 3);
    assert_int_equal(event.position.offset, 70);
    assert_int_equal(event.position.row, 5);
    decode_free(d);
}

static void json_members_become_strings(void **state)
{
    (void)state;
    struct decoder *d = decoder_with(OPTIONS("record.format=json"));
    struct record r = {0};
    struct event event;
    struct str row = BYTES("{\"time\":1511544070,\"user\":-17,\"item\":\"007\",\"category\":42}");
    assert_int_equal(decode_row(d, &r, row, 0, &event), DECODE_GOOD);
    assert_true(str_eq(event.user, str_of("-17")));
    assert_true(str_eq(event.item, str_of("007")));
    assert_true(str_eq(event.fields[2], str_of("42")));
    assert_null(event.behavior.at);
    decode_free(d);
}

static void microseconds_round_down(void **state)
{
    (void)state;
    struct decoder *d = decoder_with(OPTIONS("record.time_unit=us", "record.time.min=1960-01-01"));
    const struct {
        const char *row;
        int64_t time_ms;
    } wants[] = {{"1,2,3,pv,1999", 1},
                 {"1,2,3,pv,0", 0},
                 {"1,2,3,pv,-1", -1},
                 {"1,2,3,pv,-1000", -1},
                 {"1,2,3,pv,-1001", -2}};
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        struct event event;
        assert_int_equal(decode_row(d, &(struct record){0}, str_of(wants[i].row), 0, &event),
                         DECODE_GOOD);
        assert_int_equal(event.time_ms, wants[i].time_ms);
    }
    decode_free(d);
}

static void ahead_counts_only_for_broker_time(void **state)
{
    (void)state;
    struct decoder *d = decoder_with(OPTIONS("record.time_unit=ms"));
    struct str row = BYTES("1,2,3,pv,1511544070001");
    struct event event;
    struct record r = {.timestamp_ms = 1511544070001 - 3600000, .log_append = true};
    assert_int_equal(decode_row(d, &r, row, 0, &event), DECODE_GOOD);
    r.timestamp_ms--;
    assert_int_equal(decode_row(d, &r, row, 0, &event), DECODE_AHEAD);
    r.log_append = false;
    assert_int_equal(decode_row(d, &r, row, 0, &event), DECODE_GOOD);
    decode_free(d);
}

static void rows_of_a_record(void **state)
{
    (void)state;
    const struct {
        struct str value;
        const char *rows[4];
    } wants[] = {
        {BYTES("a"), {"a"}},
        {BYTES("a\n"), {"a"}},
        {BYTES("a\r\nb\n"), {"a\r", "b"}},
        {BYTES("a\n\nb"), {"a", "", "b"}},
        {BYTES("a\n\n"), {"a", ""}},
        {BYTES("\na"), {"", "a"}},
        {BYTES("\n"), {""}},
        {BYTES(""), {""}},
        {{0}, {""}}, /* a null value */
    };
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        struct str rest = wants[i].value, row;
        int32_t index = -1;
        while (decode_next_row(&rest, &row, &index)) {
            assert_in_range(index, 0, 3);
            assert_non_null(wants[i].rows[index]);
            assert_true(str_eq(row, str_of(wants[i].rows[index])));
        }
        assert_true(index == 3 || !wants[i].rows[index + 1]);
    }
}

static void bad_configurations_are_refused(void **state)
{
    (void)state;
    const char *const options[] = {
        "record.separator=",
        "record.separator=ab",
        "record.columns=user,item",
        "record.columns=user,item,time,a.b",
        "record.columns=user,user,item,time",
        "record.time.max=1980-01-01",
        "record.time.max=8640000000000001",
        "record.time.min=-8640000000000001",
    };
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct err e = {0};
        struct decode_conf conf = conf_with(OPTIONS(options[i]));
        assert_null(decode_new(&conf, &e));
        assert_int_equal(e.status, ERR_REFUSED);
        conf_free(&conf);
    }
}

static void a_digest_knows_every_setting(void **state)
{
    (void)state;
    const char *const options[] = {"record.format=json",         "record.columns=user,item,time",
                                   "record.separator=;",         "record.time_unit=ms",
                                   "record.time.min=1991-01-01", "record.time.max=2099-01-01",
                                   "record.max.ahead=2h"};
    struct decode_conf usual = conf_with(OPTIONS()), again = conf_with(OPTIONS());
    assert_int_equal(decode_digest(&usual), decode_digest(&again));
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct decode_conf other = conf_with(OPTIONS(options[i]));
        assert_int_not_equal(decode_digest(&usual), decode_digest(&other));
        conf_free(&other);
    }
    conf_free(&usual);
    conf_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_rows),
        cmocka_unit_test(json_rows),
        cmocka_unit_test(sizes),
        cmocka_unit_test(an_event_has_all_columns),
        cmocka_unit_test(json_members_become_strings),
        cmocka_unit_test(microseconds_round_down),
        cmocka_unit_test(ahead_counts_only_for_broker_time),
        cmocka_unit_test(rows_of_a_record),
        cmocka_unit_test(bad_configurations_are_refused),
        cmocka_unit_test(a_digest_knows_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
