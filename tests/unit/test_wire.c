/* Binary records: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"

static const uint64_t uints[] = {0,          1,          127,        128,        16383,     16384,
                                 UINT32_MAX, 1ULL << 32, 1ULL << 62, 1ULL << 63, UINT64_MAX};
static const int64_t ints[] = {0, 1, -1, 63, -64, 64, -65, INT32_MIN, INT64_MAX, INT64_MIN};
static const char *const strs[] = {"", "a", "a longer one with \xe5\x95\x86"};

static void write_sample(struct buf *b)
{
    buf_init(b, 10000);
    for (size_t i = 0; i < COUNT_OF(uints); i++) wire_put_uint(b, uints[i]);
    for (size_t i = 0; i < COUNT_OF(ints); i++) wire_put_int(b, ints[i]);
    for (size_t i = 0; i < COUNT_OF(strs); i++) wire_put_str(b, str_of(strs[i]));
    wire_seal(b);
    assert_false(b->overflow);
}

static void round_trip(void **state)
{
    (void)state;
    struct buf b;
    struct wire w;
    write_sample(&b);
    assert_true(wire_open(&w, buf_str(&b)));
    for (size_t i = 0; i < COUNT_OF(uints); i++) assert_true(wire_uint(&w) == uints[i]);
    for (size_t i = 0; i < COUNT_OF(ints); i++) assert_true(wire_int(&w) == ints[i]);
    assert_false(wire_done(&w)); /* something is left */
    for (size_t i = 0; i < COUNT_OF(strs); i++) assert_true(str_eq(wire_str(&w), str_of(strs[i])));
    assert_true(wire_done(&w));
    assert_true(wire_uint(&w) == 0); /* beyond the end */
    assert_false(wire_done(&w));
    buf_finish(&b);
}

static void encodings(void **state)
{
    (void)state;
    /* the examples of the Protocol Buffers documentation */
    struct buf b;
    buf_init(&b, 100);
    wire_put_uint(&b, 150);
    assert_memory_equal(b.at, "\x96\x01", 2);
    buf_clear(&b);
    wire_put_int(&b, -2);
    assert_memory_equal(b.at, "\x03", 1);
    buf_clear(&b);
    wire_put_uint(&b, UINT64_MAX);
    assert_int_equal(b.len, 10);
    buf_finish(&b);
}

/* A buffer says that something did not fit, and takes nothing more, be there room for it. */
static void nothing_comes_behind_an_overflow(void **state)
{
    (void)state;
    struct buf b;
    char bytes[300] = {0};
    buf_init(&b, sizeof bytes);
    wire_put_uint(&b, 1);
    buf_add(&b, bytes, sizeof bytes);
    wire_put_uint(&b, 2);
    assert_true(b.overflow && b.len == 1);
    buf_clear(&b);
    for (int i = 0; i < 300; i++) wire_put_uint(&b, 3);
    assert_false(b.overflow);
    wire_put_uint(&b, 4);
    assert_true(b.overflow && b.len == 300);
    buf_finish(&b);
}

static void empty(void **state)
{
    (void)state;
    struct buf b;
    struct wire w;
    buf_init(&b, 100);
    wire_seal(&b);
    assert_int_equal(b.len, 8);
    assert_true(wire_open(&w, buf_str(&b)));
    assert_true(wire_done(&w));
    assert_false(wire_open(&w, (struct str){0}));
    assert_false(wire_done(&w));
    assert_true(wire_int(&w) == 0);
    assert_int_equal(wire_str(&w).len, 0);
    assert_true(wire_count(&w, 1) == 0);
    buf_finish(&b);
}

static void every_truncation_is_seen(void **state)
{
    (void)state;
    struct buf b;
    struct wire w;
    write_sample(&b);
    for (size_t len = 0; len < b.len; len++) assert_false(wire_open(&w, (struct str){b.at, len}));
    buf_finish(&b);
}

static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    struct buf b;
    struct wire w;
    write_sample(&b);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.at[bit / 8] = (char)(b.at[bit / 8] ^ (1 << bit % 8));
        assert_false(wire_open(&w, buf_str(&b)));
        b.at[bit / 8] = (char)(b.at[bit / 8] ^ (1 << bit % 8));
    }
    assert_true(wire_open(&w, buf_str(&b)));
    buf_finish(&b);
}

/* Opens bytes that are well sealed, but by a stranger. */
static struct wire sealed(struct buf *b, const char *bytes, size_t n)
{
    struct wire w;
    buf_clear(b);
    buf_add(b, bytes, n);
    wire_seal(b);
    assert_true(wire_open(&w, buf_str(b)));
    return w;
}

static void malformed_values(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    static const struct {
        const char *bytes;
        size_t n;
    } numbers[] = {
        {"", 0},
        {"\x80", 1},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, /* bit 64 */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80\x01", 11},
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct wire w = sealed(&b, numbers[i].bytes, numbers[i].n);
        assert_true(wire_uint(&w) == 0);
        assert_true(w.bad);
        assert_false(wire_done(&w));
    }
    struct wire w = sealed(&b,
                           "\x03"
                           "ab",
                           3); /* three bytes are said to follow */
    assert_int_equal(wire_str(&w).len, 0);
    assert_false(wire_done(&w));
    w = sealed(&b,
               "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
               "ab",
               12);
    assert_int_equal(wire_str(&w).len, 0);
    assert_false(wire_done(&w));
    buf_finish(&b);
}

static void counts_are_bounded(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    struct wire w = sealed(&b,
                           "\x03"
                           "abcdef",
                           7);
    assert_true(wire_count(&w, 2) == 3);
    assert_false(w.bad);
    w = sealed(&b,
               "\x03"
               "abcdef",
               7);
    assert_true(wire_count(&w, 3) == 0);
    assert_true(w.bad);
    w = sealed(&b,
               "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
               "a",
               11);
    assert_true(wire_count(&w, 16) == 0);
    assert_true(w.bad);
    buf_finish(&b);
}

/* Random bytes under a right checksum: reading stays inside and comes to an end. */
static void strangers(void **state)
{
    (void)state;
    srandom(1);
    struct buf b;
    buf_init(&b, 1000);
    for (int round = 0; round < 20000; round++) {
        char bytes[64];
        size_t n = (size_t)random() % sizeof bytes;
        for (size_t i = 0; i < n; i++) bytes[i] = (char)random();
        struct wire w = sealed(&b, bytes, n);
        for (int i = 0; i < 70; i++) {
            struct str s = {0};
            switch (random() % 4) {
            case 0: wire_uint(&w); break;
            case 1: wire_int(&w); break;
            case 2: assert_true(wire_count(&w, 1) <= n); break;
            default: s = wire_str(&w);
            }
            if (s.len) assert_true(s.at >= b.at && s.at + s.len <= b.at + n);
        }
        assert_true(w.bad); /* 70 values are never in 63 bytes */
    }
    buf_finish(&b);
}

static void hashes(void **state)
{
    (void)state;
    assert_true(wire_hash(str_of("")) == 0x2d06800538d394c2ULL); /* XXH3 of nothing, as published */
    assert_true(wire_hash(str_of("a")) != wire_hash(str_of("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(encodings),
        cmocka_unit_test(nothing_comes_behind_an_overflow),
        cmocka_unit_test(empty),
        cmocka_unit_test(every_truncation_is_seen),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(malformed_values),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(strangers),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
