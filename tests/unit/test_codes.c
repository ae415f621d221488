/* Codes: every path of this machine gives what a plain loop gives, and no item is left out that scores
 * more than the threshold. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fitted.h"
#include "services/codes.h"

enum { ROUNDS = 200, ITEMS_MAX = 3 * CODES_TILE };

static _Alignas(64) uint8_t codes[ITEMS_MAX * CODES_DIMS];
static float vectors[ITEMS_MAX * CODES_DIMS];

/* A code by its place, as the header says. */
static int code_of(size_t item, size_t d)
{
    return codes[item / CODES_TILE * CODES_TILE_BYTES + d / 4 * CODES_TILE * 4 +
                 item % CODES_TILE * 4 + d % 4];
}

/* Small, large and extreme numbers, zeros among them. */
static void fill(float *at, size_t n, int kind, unsigned *seed)
{
    static const float scale[] = {1, 1000, 1e-20F, 1e-38F};
    for (size_t i = 0; i < n; i++) {
        float x = (float)(fitted_dice(seed, 2001) - 1000) / 1000;
        at[i] = kind == 4 ? (x < 0 ? -1.F : 1.F) : scale[kind] * (fitted_dice(seed, 9) ? x : 0);
    }
}

static void paths_agree(void **state)
{
    (void)state;
    unsigned seed = 5;
    for (int round = 0; round < ROUNDS; round++) {
        int8_t query[CODES_DIMS];
        bool extreme = round % 4 == 0; /* the sums that come nearest to an overflow */
        for (size_t i = 0; i < sizeof codes; i++)
            codes[i] = (uint8_t)(extreme ? 127 : 1 + fitted_dice(&seed, 127));
        for (size_t d = 0; d < CODES_DIMS; d++)
            query[d] = (int8_t)(extreme ? (round % 8 ? 127 : -127) : fitted_dice(&seed, 255) - 127);
        int32_t least = round % 5 == 0 ? INT32_MIN : (fitted_dice(&seed, 65000) - 32500) * 4;
        for (size_t tile = 0; tile < ITEMS_MAX / CODES_TILE; tile++) {
            uint64_t want[CODES_WORDS] = {0}, got[CODES_WORDS];
            for (size_t i = 0; i < CODES_TILE; i++) {
                int32_t sum = 0;
                for (size_t d = 0; d < CODES_DIMS; d++)
                    sum += code_of(tile * CODES_TILE + i, d) * query[d];
                want[i / 64] |= (uint64_t)(sum >= least) << i % 64;
            }
            for (size_t p = 0; p < codes_paths_n; p++) {
                if (!codes_paths[p].runs_here()) continue;
                bool any =
                    codes_paths[p].scan(codes + tile * CODES_TILE_BYTES, 1, query, least, got);
                if (least == INT32_MIN) continue; /* all, or all but those that no sum can be */
                assert_memory_equal(got, want, sizeof want);
                assert_true(any == (want[0] || want[1]));
            }
        }
    }
}

/* Of the same tiles, in a row and one by one. */
static void tiles_in_a_row(void **state)
{
    (void)state;
    unsigned seed = 6;
    int8_t query[CODES_DIMS];
    for (size_t i = 0; i < sizeof codes; i++) codes[i] = (uint8_t)(1 + fitted_dice(&seed, 127));
    for (size_t d = 0; d < CODES_DIMS; d++) query[d] = (int8_t)(fitted_dice(&seed, 255) - 127);
    for (size_t p = 0; p < codes_paths_n; p++) {
        uint64_t row[3 * CODES_WORDS], one[3 * CODES_WORDS];
        if (!codes_paths[p].runs_here()) continue;
        bool any = false, in_row = codes_paths[p].scan(codes, 3, query, 10000, row);
        for (size_t t = 0; t < 3; t++)
            any |= codes_paths[p].scan(codes + t * CODES_TILE_BYTES, 1, query, 10000,
                                       one + t * CODES_WORDS);
        assert_memory_equal(row, one, sizeof row);
        assert_true(any && in_row);
    }
}

static void no_threshold_lets_all_through(void **state)
{
    (void)state;
    const int8_t query[CODES_DIMS] = {-127, 127};
    for (size_t p = 0; p < codes_paths_n; p++) {
        uint64_t got[CODES_WORDS];
        if (!codes_paths[p].runs_here()) continue;
        codes_paths[p].scan(codes, 1, query, INT32_MIN, got);
        for (size_t w = 0; w < CODES_WORDS; w++) assert_true(got[w] == UINT64_MAX);
    }
}

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (size_t d = 0; d < CODES_DIMS; d++) sum += (double)a[d] * (double)b[d];
    return sum;
}

static void none_is_left_out(void **state)
{
    (void)state;
    unsigned seed = 9;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t n = 1 + (uint32_t)fitted_dice(&seed, ITEMS_MAX);
        float query[CODES_DIMS];
        uint64_t hits[CODES_WORDS];
        fill(vectors, (size_t)n * CODES_DIMS, round % 5, &seed);
        fill(query, CODES_DIMS, round / 5 % 5, &seed);
        struct codes_query q = codes_query_of(query, codes_fill(vectors, n, codes));
        double threshold = dot(vectors + (size_t)fitted_dice(&seed, (int)n) * CODES_DIMS, query);
        for (uint32_t i = 0; i < n; i++) {
            if (i % CODES_TILE == 0)
                codes_best_scan()(codes + (size_t)i * CODES_DIMS, 1, q.at,
                                  codes_least(&q, threshold), hits);
            if (dot(vectors + (size_t)i * CODES_DIMS, query) > threshold)
                assert_true(hits[i % CODES_TILE / 64] >> i % 64 & 1);
        }
    }
}

/* Of what is far below, it does leave out most. */
static void most_is_left_out(void **state)
{
    (void)state;
    unsigned seed = 4;
    float query[CODES_DIMS];
    uint64_t hits[CODES_WORDS];
    fill(vectors, ITEMS_MAX * CODES_DIMS, 0, &seed);
    fill(query, CODES_DIMS, 0, &seed);
    struct codes_query q = codes_query_of(query, codes_fill(vectors, ITEMS_MAX, codes));
    double best = -INFINITY;
    int left = 0;
    for (size_t i = 0; i < ITEMS_MAX; i++) best = fmax(best, dot(vectors + i * CODES_DIMS, query));
    for (size_t tile = 0; tile < ITEMS_MAX / CODES_TILE; tile++) {
        codes_best_scan()(codes + tile * CODES_TILE_BYTES, 1, q.at, codes_least(&q, best), hits);
        left += __builtin_popcountll(hits[0]) + __builtin_popcountll(hits[1]);
    }
    assert_in_range(left, 1, ITEMS_MAX / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_agree),
        cmocka_unit_test(tiles_in_a_row),
        cmocka_unit_test(no_threshold_lets_all_through),
        cmocka_unit_test(none_is_left_out),
        cmocka_unit_test(most_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
