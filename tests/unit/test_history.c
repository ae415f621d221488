/* The newest K of a union: against sorting all of it, and in any order of merging. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "flow/history.h"

enum { ALL = 40, SEEDS = 2000 };

static struct history_entry entry(unsigned *seed, int i)
{
    static const char *const items[] = {"1", "22", "333"};
    struct history_entry e = {.item = str_of(items[rand_r(seed) % 3]),
                              .time_ms = rand_r(seed) % 10,
                              .position = {rand_r(seed) % 2, i / 2, i % 2}};
    if (rand_r(seed) % 2) e.behavior = str_of("buy");
    return e;
}

static int by_time(const void *a, const void *b)
{
    return history_cmp(a, b);
}

static void check(const struct history *h, const struct history_entry *sorted, size_t n, size_t k)
{
    size_t kept = n < k ? n : k;
    assert_int_equal(h->n, kept);
    for (size_t i = 0; i < kept; i++) {
        const struct history_entry *want = &sorted[n - kept + i], *got = &h->at[i];
        assert_int_equal(history_cmp(want, got), 0);
        assert_true(str_eq(want->item, got->item));
        assert_true(str_eq(want->behavior, got->behavior));
        assert_int_equal(want->behavior.at == NULL, got->behavior.at == NULL);
    }
}

/* Merges the entries in pieces that overlap, in a random order. */
static struct history *merge_in_pieces(unsigned *seed, const struct history_entry *all, size_t n,
                                       size_t k)
{
    struct history *h = NULL;
    bool seen[ALL] = {0};
    for (size_t left = n; left > 0;) {
        size_t at = (size_t)rand_r(seed) % n, len = 1 + (size_t)rand_r(seed) % (n - at);
        for (size_t i = at; i < at + len; i++) left -= !seen[i], seen[i] = true;
        struct history *next = history_merge(h, all + at, len, k);
        free(h);
        h = next;
    }
    return h;
}

static void is_the_newest_k_in_any_order(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        unsigned s = seed;
        size_t n = 1 + (size_t)rand_r(&s) % (ALL - 1), k = 1 + (size_t)rand_r(&s) % 12;
        struct history_entry all[ALL], sorted[ALL];
        for (size_t i = 0; i < n; i++) all[i] = entry(&s, (int)i);
        memcpy(sorted, all, sizeof all);
        qsort(sorted, n, sizeof sorted[0], by_time);
        struct history *pieces = merge_in_pieces(&s, all, n, k),
                       *whole = history_merge(NULL, all, n, k);
        check(pieces, sorted, n, k);
        assert_true(history_same(pieces, whole));
        free(whole);
        free(pieces);
    }
}

static void knows_its_items(void **state)
{
    (void)state;
    const struct history_entry one = {.item = {"12", 2}, .time_ms = 5};
    struct history *h = history_merge(NULL, &one, 1, 10), *none = history_merge(NULL, NULL, 0, 10);
    assert_true(history_has(h, str_of("12")));
    assert_false(history_has(h, str_of("1")));
    assert_false(history_has(none, str_of("12")));
    assert_false(history_same(h, none));
    free(h);
    free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_newest_k_in_any_order),
        cmocka_unit_test(knows_its_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
