#include "services/nearest.h"

#include <assert.h>
#include <math.h>

enum {
    SUMS = 8,
    BLOCK_WORDS = NEAREST_BLOCK * CODES_WORDS,
    HALVINGS = 12, /* of the range of sums: to a fraction of their error */
};

#ifdef __x86_64__
__attribute__((target_clones("default", "avx2")))
#endif
static double
dot(const float *at, const float *vector)
{
    double sums[SUMS] = {0};
    for (size_t d = 0; d < NEAREST_DIMS; d += SUMS)
#pragma GCC unroll 8
        for (size_t k = 0; k < SUMS; k++) sums[k] += (double)at[d + k] * (double)vector[d + k];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

double nearest_score(const struct nearest *s, uint32_t item, const float vector[NEAREST_DIMS])
{
    return dot(s->vectors + (size_t)item * NEAREST_DIMS, vector);
}

/* One search, of several users. */
struct search {
    const struct nearest *all;
    const uint16_t *masked;
    codes_scan *scan;
};

/* Who is not better than the worst that is kept comes too late: items ascend. */
static void score_due(const struct search *s, struct nearest_user *u)
{
    struct best *b = &u->best;
    for (size_t i = 0; i < u->due_n; i++) {
        double score = nearest_score(s->all, u->due[i], u->vector);
        best_offer(b, (struct best_found){score, u->due[i]});
    }
    if (u->due_n && b->n == b->max) u->least = codes_least(&u->query, b->at[0].score);
    u->due_n = 0;
}

static void fetch(const struct search *s, struct nearest_user *u, uint32_t item)
{
    if (item >= s->all->n) return; /* what fills up the last tile */
    if (s->masked[item] & u->bit) return;
    const char *at = (const char *)(s->all->vectors + (size_t)item * NEAREST_DIMS);
    __builtin_prefetch(at);
    __builtin_prefetch(at + 64);
    u->due[u->due_n++] = item;
}

static void look_at(const struct search *s, struct nearest_user *u, uint32_t first, size_t tiles_n)
{
    uint64_t hits[BLOCK_WORDS];
    bool any =
        s->scan(s->all->codes + (size_t)first * CODES_DIMS, tiles_n, u->query.at, u->least, hits);
    score_due(s, u);
    if (!any) return;
    for (size_t w = 0; w < tiles_n * CODES_WORDS; w++)
        for (uint64_t left = hits[w]; left; left &= left - 1)
            fetch(s, u, first + (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left));
}

/* The first tile has enough items whose sums are about so much: who cannot score what they must is left out
 * from the start. */
static int32_t first_least(const struct search *s, const struct nearest_user *u)
{
    size_t wanted = u->best.max;
    if (s->all->n < CODES_TILE) return INT32_MIN;
    for (size_t i = 0; i < CODES_TILE; i++) wanted += (s->masked[i] & u->bit) != 0;
    int32_t enough = INT32_MIN, step = INT32_C(1) << 19; /* no sum is as much as 32 * 127 * 127 */
    int32_t sum = -step;
    for (int i = 0; i < HALVINGS; i++, step /= 2) {
        uint64_t hits[CODES_WORDS];
        s->scan(s->all->codes, 1, u->query.at, sum + step, hits);
        size_t n = 0;
        for (size_t w = 0; w < CODES_WORDS; w++) n += (size_t)__builtin_popcountll(hits[w]);
        if (n >= wanted) enough = sum += step;
    }
    return enough == INT32_MIN ? enough : codes_least(&u->query, codes_at_least(&u->query, enough));
}

static void begin(const struct search *s, struct nearest_user *u, uint16_t bit)
{
    u->bit = bit;
    u->query = codes_query_of(u->vector, s->all->bounds);
    u->due_n = 0;
    u->least = first_least(s, u);
}

void nearest_find(const struct nearest *all, struct nearest_user *users, size_t users_n,
                  const uint16_t *masked)
{
    assert(users_n <= NEAREST_USERS_MAX);
    const struct search s = {all, masked, codes_best_scan()};
    struct nearest_user *served[NEAREST_USERS_MAX];
    size_t n = 0, tiles_n = (size_t)(codes_bytes(all->n) / CODES_TILE_BYTES);
    for (size_t u = 0; u < users_n; u++) {
        if (users[u].best.max == 0) continue;
        served[n++] = &users[u];
        begin(&s, &users[u], (uint16_t)(1U << u));
    }
    for (size_t tile = 0; tile < tiles_n; tile += NEAREST_BLOCK)
        for (size_t u = 0; u < n; u++)
            look_at(&s, served[u], (uint32_t)(tile * CODES_TILE),
                    tiles_n - tile < NEAREST_BLOCK ? tiles_n - tile : NEAREST_BLOCK);
    for (size_t u = 0; u < n; u++) score_due(&s, served[u]);
}
