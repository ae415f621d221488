/* The model "transitions": what people went to from the items this user saw last.
 *
 *     sums u64[n] | row_start u64[n+1] | to u32[e] | count u32[e]
 *
 * Row a (compressed sparse rows) is to/count[row_start[a] .. row_start[a+1]): count is T[a][to] in
 * hundredths, which are exact for the weights 1, 0.7 and 0.49, and `to` ascends. sums[a] is the sum of
 * the row's counts. The last 10 items of a user, newest first, are a_0 to a_9:
 *
 *     score(b) = sum over k of 0.8^k * T[a_k][b] / (sum T[a_k] + 10)
 *
 * Ranks must not depend on rounding: equal scores are ties, and ties go by id. Doubles would part
 * scores that are equal, so all is integers. With T and S in hundredths, and times 5^9:
 *
 *     5^9 * score(b) = sum over k of 4^k 5^(9-k) * T / (S + 1000)
 *
 * The factor 4^k 5^(9-k) << 104 fits in 125 bits; it is divided by S + 1000 once for each a_k and
 * multiplied by every T of its row. As T <= S, and the sum of all 4^k 5^(9-k) is below 2^23.1,
 * the sum stays below 2^128. Cutting the quotient takes less than T units, some 2^10, from a
 * score that has 2^95 and more as long as S < 2^32: equal scores differ far behind the 53 bits of
 * a double, so they are equal once rounded to double, and different ones differ there. */
#include <stdlib.h>

#include "base/mem.h"
#include "services/model.h"

enum { RECENT = 10, SMOOTHING = 1000 /* 10, in hundredths */, FRACTION_BITS = 104 };
enum { SUMS, ROW_START, TO, COUNT, ARRAYS_N };

/* 4^k 5^(9-k) */
static const uint32_t decay[RECENT] = {1953125, 1562500, 1250000, 1000000, 800000,
                                       640000,  512000,  409600,  327680,  262144};

typedef unsigned __int128 wide;

/* 2^-124: scores of a handy size, and not a bit lost */
static const double unit = 0x1p-124;

static bool row_is_good(const struct model *m, uint32_t item)
{
    const uint64_t *start = array_file_u64(&m->data, ROW_START);
    const uint32_t *to = array_file_u32(&m->data, TO), *count = array_file_u32(&m->data, COUNT);
    uint64_t sum = 0;
    for (uint64_t i = start[item]; i < start[item + 1]; i++) {
        bool ascends = i == start[item] || to[i - 1] < to[i];
        if (!ascends || to[i] >= m->ids.n || count[i] == 0) return false;
        sum += count[i];
    }
    return sum == array_file_u64(&m->data, SUMS)[item];
}

static const char *check(const struct model *m)
{
    const struct array_file *d = &m->data;
    if (d->arrays[SUMS].n != m->ids.n || d->arrays[COUNT].n != d->arrays[TO].n)
        return "its sizes are wrong";
    if (!array_file_rows(d, ROW_START, m->ids.n, TO)) return "its rows are out of order";
    for (uint32_t item = 0; item < m->ids.n; item++)
        if (!row_is_good(m, item)) return "it holds a bad row";
    return NULL;
}

/* The scores, by item. */
static void *work_new(const struct model *m)
{
    return mem_zero(m->ids.n, sizeof(wide));
}

static void work_free(const struct model *m, void *work)
{
    (void)m;
    free(work);
}

static void add_row(const struct model *m, uint32_t a, uint32_t weight, wide *sums,
                    struct scores *out)
{
    const uint64_t *start = array_file_u64(&m->data, ROW_START);
    const uint32_t *to = array_file_u32(&m->data, TO), *count = array_file_u32(&m->data, COUNT);
    wide factor = ((wide)weight << FRACTION_BITS) / (array_file_u64(&m->data, SUMS)[a] + SMOOTHING);
    for (uint64_t i = start[a]; i < start[a + 1]; i++) {
        scores_reach(out, to[i]);
        sums[to[i]] += factor * count[i];
    }
}

static void score(const struct model *m, void *work, const uint32_t *items, size_t items_n,
                  struct scores *out)
{
    wide *sums = work;
    for (size_t k = 0; k < RECENT && k < items_n; k++) {
        uint32_t a = items[items_n - 1 - k];
        if (a != IDS_UNKNOWN) add_row(m, a, decay[k], sums, out);
    }
    for (size_t i = 0; i < out->reached_n; i++) {
        uint32_t b = out->reached[i];
        out->at[b] = (double)sums[b] * unit;
        sums[b] = 0;
    }
}

const struct kind transitions_kind = {
    .name = "transitions",
    .types = {ARRAY_FILE_U64, ARRAY_FILE_U64, ARRAY_FILE_U32, ARRAY_FILE_U32},
    .arrays_n = ARRAYS_N,
    .check = check,
    .work_new = work_new,
    .work_free = work_free,
    .score = score,
};
