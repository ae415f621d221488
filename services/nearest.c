#include "services/nearest.h"

#include <assert.h>
#include <math.h>

double nearest_score(const struct nearest *s, uint32_t item, const float vector[NEAREST_DIMS])
{
    const float *at = s->vectors + (size_t)item * NEAREST_DIMS;
    double sum = 0;
    for (size_t d = 0; d < NEAREST_DIMS; d++) sum += (double)at[d] * (double)vector[d];
    return sum;
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

void nearest_find(const struct nearest *s, struct nearest_user *users, size_t users_n,
                  const uint16_t *masked)
{
    assert(users_n <= NEAREST_USERS_MAX);
    codes_scan *scan = codes_best_scan();
    struct codes_query queries[NEAREST_USERS_MAX];
    for (size_t u = 0; u < users_n; u++) queries[u] = codes_query_of(users[u].vector, s->bounds);
    for (uint32_t first = 0; first < s->n; first += CODES_TILE) {
        const uint8_t *tile = s->codes + (size_t)first * CODES_DIMS;
        for (size_t u = 0; u < users_n; u++) {
            if (users[u].best.max == 0) continue;
            uint64_t hits[CODES_WORDS];
            scan(tile, queries[u].at, codes_least(&queries[u], threshold(&users[u].best)), hits);
            for (uint32_t w = 0; w < CODES_WORDS; w++)
                offer(s, &users[u], first + w * 64, hits[w], masked, (unsigned)u);
        }
    }
}
