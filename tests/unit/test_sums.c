/* The table of sums, against an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/sums.h"

enum { ITEMS = 500, CHANGES = 20000 };

static uint64_t seed = 1;

static int64_t draw(int64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((seed >> 33) % (uint64_t)below);
}

static void sums_are_those_of_an_array(void **state)
{
    (void)state;
    struct sums s = {0};
    int64_t expected[ITEMS] = {0};
    bool there[ITEMS] = {0};
    for (int i = 0; i < CHANGES; i++) {
        uint32_t item = (uint32_t)(draw(2) ? draw(ITEMS) : draw(10));
        int64_t amount = 1 + draw(1000);
        assert_int_equal(sums_add(&s, item, amount), !there[item]);
        there[item] = true;
        expected[item] += amount;
    }
    size_t n = 0;
    uint32_t item;
    int64_t sum;
    for (size_t at = 0; sums_next(&s, &at, &item, &sum); n++) {
        assert_in_range(item, 0, ITEMS - 1);
        assert_int_equal(sum, expected[item]);
        expected[item] = 0; /* each is told once */
    }
    assert_int_equal(n, s.n);
    for (size_t i = 0; i < ITEMS; i++) assert_int_equal(expected[i], 0);
    assert_int_equal(sums_bytes(&s), s.cap * sizeof s.slots[0]);
    sums_finish(&s);
}

static void a_fresh_table_is_empty_and_costs_nothing(void **state)
{
    (void)state;
    struct sums s = {0};
    size_t at = 0;
    uint32_t item;
    int64_t sum;
    assert_false(sums_next(&s, &at, &item, &sum));
    assert_int_equal(sums_bytes(&s), 0);
    sums_add(&s, UINT32_MAX - 1, 7); /* the greatest number there is */
    assert_true(sums_next(&s, &at, &item, &sum));
    assert_true(item == UINT32_MAX - 1 && sum == 7);
    assert_false(sums_next(&s, &at, &item, &sum));
    sums_finish(&s);
    assert_int_equal(sums_bytes(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_an_array),
        cmocka_unit_test(a_fresh_table_is_empty_and_costs_nothing),
    };
    return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
