/* The last 10 items of a user, newest first, are a_0 to a_9:
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
#include "infer/transitions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { RECENT = 10, SMOOTHING = 1000 /* 10, in hundredths */, FRACTION_BITS = 104 };

/* 4^k 5^(9-k) */
static const uint32_t decay[RECENT] = {1953125, 1562500, 1250000, 1000000, 800000,
                                       640000,  512000,  409600,  327680,  262144};

typedef unsigned __int128 wide;

struct found {
    double score;
    uint32_t item;
};

/* All arrays are by item, and zero between two calls. */
struct transitions {
    const struct model *model; /* ref in caller */
    wide *scores;              /* own */
    bool *masked;              /* own */
    uint32_t *reached;         /* own; the items whose score is not 0, reached_n of them */
    size_t reached_n;
    struct found best[TRANSITIONS_N_MAX]; /* a heap, its worst at 0 */
    size_t best_n;
};

struct transitions *transitions_new(const struct model *m)
{
    struct transitions *t = mem_zero(1, sizeof *t);
    t->model = m;
    t->scores = mem_zero(m->items_n, sizeof t->scores[0]);
    t->masked = mem_zero(m->items_n, sizeof t->masked[0]);
    t->reached = mem_zero(m->items_n, sizeof t->reached[0]);
    return t;
}

void transitions_free(struct transitions *t)
{
    if (!t) return;
    free(t->scores);
    free(t->masked);
    free(t->reached);
    free(t);
}

static void mask(struct transitions *t, const struct str *ids, size_t n, bool on)
{
    uint32_t item;
    for (size_t i = 0; i < n; i++)
        if (model_find(t->model, ids[i], &item)) t->masked[item] = on;
}

static void add_row(struct transitions *t, uint32_t a, uint32_t weight)
{
    const struct model *m = t->model;
    wide factor = ((wide)weight << FRACTION_BITS) / (m->sums[a] + SMOOTHING);
    for (uint64_t i = m->row_start[a]; i < m->row_start[a + 1]; i++) {
        uint32_t b = m->to[i];
        if (t->masked[b]) continue;
        if (!t->scores[b]) t->reached[t->reached_n++] = b;
        t->scores[b] += factor * m->count[i];
    }
}

/* -- the best n of those reached: a heap that drops its worst (Knuth, TAOCP 3, 5.2.3) -- */

static bool worse(const struct found *a, const struct found *b)
{
    return a->score != b->score ? a->score < b->score : a->item > b->item;
}

static void sift_down(struct found *heap, size_t n, struct found f)
{
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && worse(&heap[child + 1], &heap[child])) child++;
        if (!worse(&heap[child], &f)) break;
        heap[at] = heap[child];
    }
    heap[at] = f;
}

static void sift_up(struct found *heap, size_t at, struct found f)
{
    for (; at > 0 && worse(&f, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = f;
}

static void offer(struct transitions *t, struct found f, size_t n_rec)
{
    if (t->best_n < n_rec)
        sift_up(t->best, t->best_n++, f);
    else if (worse(&t->best[0], &f))
        sift_down(t->best, t->best_n, f);
}

/* Empties the heap into items, best first, and returns their number. */
static size_t take_best(struct transitions *t, uint32_t *ret_items)
{
    size_t n = t->best_n;
    while (t->best_n) {
        ret_items[t->best_n - 1] = t->best[0].item;
        struct found last = t->best[--t->best_n];
        sift_down(t->best, t->best_n, last);
    }
    return n;
}

size_t transitions_rank(struct transitions *t, const struct transitions_ask *ask,
                        uint32_t ret_items[TRANSITIONS_N_MAX])
{
    assert(ask->n_rec >= 1 && ask->n_rec <= TRANSITIONS_N_MAX);
    mask(t, ask->items, ask->items_n, true);
    mask(t, ask->exclude, ask->exclude_n, true);
    uint32_t a;
    for (size_t k = 0; k < RECENT && k < ask->items_n; k++)
        if (model_find(t->model, ask->items[ask->items_n - 1 - k], &a)) add_row(t, a, decay[k]);
    for (size_t i = 0; i < t->reached_n; i++) {
        uint32_t b = t->reached[i];
        offer(t, (struct found){(double)t->scores[b], b}, (size_t)ask->n_rec);
        t->scores[b] = 0;
    }
    t->reached_n = 0;
    mask(t, ask->items, ask->items_n, false);
    mask(t, ask->exclude, ask->exclude_n, false);
    return take_best(t, ret_items);
}
