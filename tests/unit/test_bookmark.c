/* A replay position comes back whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "replay/bookmark.h"

static void encode(struct buf *out)
{
    const struct bookmark b = {
        .job = str_of("job"),
        .name = str_of("log.csv"),
        .epoch = 3,
        .partitions = 4,
        .options = UINT64_MAX,
        .loop = 2,
        .place = {123456789012, 42, 7, 8},
        .first_ms = INT64_MAX,
        .last_ms = INT64_MIN,
        .sent = 99,
        .rejected = 1,
        .before_sent = 990,
        .before_rejected = 10,
    };
    buf_init(out, 4096);
    bookmark_encode(&b, out);
}

static void comes_back(void **state)
{
    (void)state;
    struct buf record;
    struct bookmark b;
    struct err e = {0};
    encode(&record);
    assert_true(bookmark_decode(&b, buf_str(&record), &e));
    assert_true(str_eq(b.job, str_of("job")) && str_eq(b.name, str_of("log.csv")));
    assert_int_equal(b.epoch, 3);
    assert_int_equal(b.partitions, 4);
    assert_true(b.options == UINT64_MAX);
    assert_int_equal(b.loop, 2);
    assert_int_equal(b.place.offset, 123456789012);
    assert_int_equal(b.place.line, 42);
    assert_int_equal(b.place.head_hash, 7);
    assert_int_equal(b.place.tail_hash, 8);
    assert_true(b.first_ms == INT64_MAX && b.last_ms == INT64_MIN);
    assert_int_equal(b.sent, 99);
    assert_int_equal(b.rejected, 1);
    assert_int_equal(b.before_sent, 990);
    assert_int_equal(b.before_rejected, 10);
    buf_finish(&record);
}

static void refused(struct str record)
{
    struct bookmark b;
    struct err e = {0};
    assert_false(bookmark_decode(&b, record, &e));
    assert_int_equal(e.status, ERR_REFUSED);
}

static void damage_is_refused(void **state)
{
    (void)state;
    struct buf record;
    encode(&record);
    for (size_t n = 0; n < record.len; n++) refused((struct str){record.at, n});
    for (size_t bit = 0; bit < record.len * 8; bit++) {
        record.at[bit / 8] ^= (char)(1 << bit % 8);
        refused(buf_str(&record));
        record.at[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_finish(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(comes_back),
                                       cmocka_unit_test(damage_is_refused)};
    return cmocka_run_group_tests_name("bookmark", tests, NULL, NULL);
}
