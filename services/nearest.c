#include "services/nearest.h"

#include <assert.h>
#include <math.h>

enum { SUMS = 8 };

double nearest_score(const struct nearest *s, uint32_t item, const float vector[NEAREST_DIMS])
{
    const float *at = s->vectors + (size_t)item * NEAREST_DIMS;
    double sums[SUMS] = {0};
    for (size_t d = 0; d < NEAREST_DIMS; d += SUMS)
#pragma GCC unroll 8
        for (size_t k = 0; k < SUMS; k++) sums[k] += (double)at[d + k] * (double)vector[d + k];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

static void offer(const struct nearest *s, struct nearest_user *u, uint32_t first, uint64_t hits,
                  const uint16_t *masked, unsigned bit)
{
    for (; hits; hits &= hits - 1) {
        uint32_t item = first + (uint32_t)__builtin_ctzll(hits);
        if (item >= s->n) return; /* what fills up the last tile */
        if (masked[item] >> bit & 1) continue;
        best_offer(&u->best, (struct best_found){nearest_score(s, item, u->vector), item});
    }
}

/* Who is not better than the worst that is kept comes too late: items ascend. */
static double threshold(const struct best *b)
{
    return b->n < b->max ? -INFINITY : b->at[0].score;
}

/* One user who is served. */
struct served {
    struct codes_query query;
    int32_t least; /* sum of who may be one of his best */
};

static void look_at_tile(const struct nearest *s, uint32_t first, struct nearest_user *u,
                         struct served *v, codes_scan *scan, const uint16_t *masked, unsigned bit)
{
    uint64_t hits[CODES_WORDS], any = 0;
    scan(s->codes + (size_t)first * CODES_DIMS, v->query.at, v->least, hits);
    for (uint32_t w = 0; w < CODES_WORDS; w++) {
        offer(s, u, first + w * 64, hits[w], masked, bit);
        any |= hits[w];
    }
    if (any) v->least = codes_least(&v->query, threshold(&u->best));
}

void nearest_find(const struct nearest *s, struct nearest_user *users, size_t users_n,
                  const uint16_t *masked)
{
    assert(users_n <= NEAREST_USERS_MAX);
    codes_scan *scan = codes_best_scan();
    struct served served[NEAREST_USERS_MAX];
    for (size_t u = 0; u < users_n; u++)
        served[u] = (struct served){codes_query_of(users[u].vector, s->bounds), INT32_MIN};
    for (uint32_t first = 0; first < s->n; first += CODES_TILE)
        for (size_t u = 0; u < users_n; u++)
            if (users[u].best.max)
                look_at_tile(s, first, &users[u], &served[u], scan, masked, (unsigned)u);
}
