/* The row of a pane's sums, against an array. */
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

/* How often each item came, and what it adds up to. */
struct model {
    int64_t sums[ITEMS];
    size_t times[ITEMS];
};

/* All that the row holds, merged or not. */
static void compare(const struct sums *s, const struct model *m)
{
    int64_t found[ITEMS] = {0};
    for (size_t i = 0; i < s->n; i++) found[s->at[i].item] += s->at[i].amount;
    assert_memory_equal(found, m->sums, sizeof found);
}

/* Each item stands once before n, and behind it as often as it came again. */
static void compare_merged(const struct sums *s, size_t n, const struct model *m)
{
    size_t times[ITEMS] = {0}, item_n = 0;
    for (size_t i = 0; i < ITEMS; i++) item_n += m->times[i] > 0;
    assert_int_equal(n, item_n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(times[s->at[i].item]++, 0);
        assert_int_equal(s->at[i].amount, m->sums[s->at[i].item]);
    }
    for (size_t i = n; i < s->n; i++) {
        times[s->at[i].item]++;
        assert_int_equal(s->at[i].amount, 0);
    }
    assert_memory_equal(times, m->times, sizeof times);
}

/* Only the first of each item is left. */
static void merge(struct sums *s, struct model *m)
{
    uint32_t scratch[ITEMS];
    for (size_t i = 0; i < ITEMS; i++) scratch[i] = (uint32_t)draw(2 * ITEMS);
    size_t n = sums_merge(s, scratch);
    compare_merged(s, n, m);
    for (size_t i = 0; i < ITEMS; i++) m->times[i] = m->times[i] > 0;
    s->n = n;
}

static void sums_are_those_of_an_array(void **state)
{
    (void)state;
    struct sums s = {0};
    struct model m = {0};
    for (int i = 0; i < CHANGES; i++) {
        uint32_t item = (uint32_t)(draw(2) ? draw(ITEMS) : draw(10));
        int64_t amount = 1 + draw(1000);
        if (s.n == s.cap) {
            merge(&s, &m);
            sums_reserve(&s, 1);
            assert_in_range(s.cap, s.n + 1, 2 * s.n + 1);
        }
        sums_put(&s, item, amount);
        m.sums[item] += amount;
        m.times[item]++;
        if (!draw(100)) compare(&s, &m);
    }
    merge(&s, &m);
    compare(&s, &m);
    assert_int_equal(sums_bytes(&s), s.cap * sizeof s.at[0]);
    sums_finish(&s);
}

static void a_fresh_row_is_empty_and_costs_nothing(void **state)
{
    (void)state;
    struct sums s = {0};
    assert_int_equal(sums_bytes(&s), 0);
    assert_int_equal(sums_merge(&s, NULL), 0);
    sums_reserve(&s, 3);
    assert_int_equal(s.cap, 3);      /* what is known to come, and no more */
    sums_put(&s, UINT32_MAX - 1, 7); /* the greatest number there is */
    assert_true(s.n == 1 && s.at[0].item == UINT32_MAX - 1 && s.at[0].amount == 7);
    sums_finish(&s);
    assert_int_equal(sums_bytes(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_an_array),
        cmocka_unit_test(a_fresh_row_is_empty_and_costs_nothing),
    };
    return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
