/* The best n, against a sort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fitted.h"
#include "services/best.h"

enum { ALL = 60, ROUNDS = 3000 };

static int before(const void *left, const void *right)
{
    return best_worse(left, right) ? 1 : -1;
}

static void like_a_sort(void **state)
{
    (void)state;
    unsigned seed = 3;
    for (int round = 0; round < ROUNDS; round++) {
        struct best_found all[ALL], kept[ALL];
        size_t n = (size_t)fitted_dice(&seed, ALL + 1), max = 1 + (size_t)fitted_dice(&seed, ALL);
        struct best best = {.at = kept, .max = max};
        for (size_t i = 0; i < n; i++) { /* few scores: many ties */
            all[i] = (struct best_found){fitted_dice(&seed, 5) - 2, (uint32_t)(i * 7 % 61)};
            best_offer(&best, all[i]);
        }
        qsort(all, n, sizeof all[0], before);
        assert_int_equal(best_sort(&best), n < max ? n : max);
        for (size_t i = 0; i < best.n; i++) assert_int_equal(kept[i].item, all[i].item);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(like_a_sort)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
