/* A replay position comes back whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "replay/bookmark.h"

static struct bookmark sample(void)
{
    return (struct bookmark){
        .job = str_of("job"),
        .name = str_of("log.csv"),
        .epoch = 3,
        .partitions = 4,
        .options = UINT64_MAX,
        .loop = 2,
        .place = {123456789012, 42, 7, 8},
        .first_ms = -1511544070000,
        .last_ms = 1511544070000,
        .sent = 99,
        .rejected = 1,
        .before_sent = 990,
        .before_rejected = 10,
    };
}

static void encode(struct buf *out)
{
    const struct bookmark b = sample();
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
    assert_true(b.first_ms == -1511544070000 && b.last_ms == 1511544070000);
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

static void test_33_damage_is_refused(void **state)
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

/* Whoever can write to the topic can seal what he wrote. */
static void numbers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    for (int which = 0; which <= 13; which++) {
        struct bookmark b = sample(), read;
        struct buf record;
        struct err e = {0};
        if (which == 0) b.place.offset = -1;
        if (which == 1) b.place.line = -1;
        if (which == 2) b.sent = -1;
        if (which == 3) b.rejected = -1;
        if (which == 4) b.loop = -1;
        if (which == 5) b.loop = INT64_MAX;
        if (which == 6) b.loop = 100000; /* moves beyond what there is */
        if (which == 7) b.last_ms = INT64_MAX;
        if (which == 8) b.first_ms = INT64_MIN;
        if (which == 9) b.first_ms = b.last_ms + 1;
        if (which == 12) b.before_sent = -1;
        if (which == 13) b.before_rejected = INT64_MAX;
        if (which >= 10) b.first_ms = INT64_MAX, b.last_ms = INT64_MIN; /* no row yet */
        if (which >= 11) b.loop = 0;
        buf_init(&record, 4096);
        bookmark_encode(&b, &record);
        assert_int_equal(bookmark_decode(&read, buf_str(&record), &e), which == 11);
        buf_finish(&record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(comes_back),
                                       cmocka_unit_test(test_33_damage_is_refused),
                                       cmocka_unit_test(numbers_that_cannot_be_are_refused)};
    return cmocka_run_group_tests_name("bookmark", tests, NULL, NULL);
}
