#include "services/ranker.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* An ask's items by number. */
struct numbers {
    uint32_t items[RANKER_ITEMS_MAX];
    size_t n;
};

struct ranker {
    const struct model *model; /* ref in caller */
    struct scores scores;
    void *work;       /* own */
    uint16_t *masked; /* own; by item, a bit for each ask; all 0 between two calls */
    /* Of each ask: */
    struct numbers numbers[RANKER_ASKS_MAX];
    struct nearest_user users[RANKER_ASKS_MAX];
    struct ranker_answer answers[RANKER_ASKS_MAX];
};

struct ranker *ranker_new(const struct model *m)
{
    struct ranker *r = mem_zero(1, sizeof *r);
    r->model = m;
    scores_init(&r->scores, m->ids.n);
    if (m->kind->work_new) r->work = m->kind->work_new(m);
    r->masked = mem_zero(m->ids.n, sizeof r->masked[0]);
    return r;
}

void ranker_free(struct ranker *r)
{
    if (!r) return;
    scores_finish(&r->scores);
    if (r->model->kind->work_free) r->model->kind->work_free(r->model, r->work);
    free(r->masked);
    free(r);
}

const struct scores *ranker_scores(struct ranker *r, const uint32_t *items, size_t items_n)
{
    scores_clear(&r->scores);
    r->model->kind->score(r->model, r->work, items, items_n, &r->scores);
    return &r->scores;
}

/* -- one ask -- */

static size_t find_items(const struct ranker *r, const struct ranker_ask *ask, struct numbers *ret)
{
    assert(ask->n >= 1 && ask->n <= RANKER_N_MAX && ask->items_n <= RANKER_ITEMS_MAX);
    size_t unknown_n = 0;
    ret->n = ask->items_n;
    for (size_t i = 0; i < ret->n; i++) {
        ret->items[i] = ids_find(&r->model->ids, ask->items[i]);
        unknown_n += ret->items[i] == IDS_UNKNOWN;
    }
    return unknown_n;
}

static void flip(struct ranker *r, uint32_t item, uint16_t bit, bool on)
{
    if (item == IDS_UNKNOWN) return;
    r->masked[item] = (uint16_t)(on ? r->masked[item] | bit : r->masked[item] & ~bit);
}

/* Puts on, or takes off, what ask u may not be answered. */
static void mask(struct ranker *r, const struct ranker_ask *ask, const struct numbers *items,
                 size_t u, bool on)
{
    uint16_t bit = (uint16_t)(1U << u);
    size_t kept = ask->reconsume && items->n ? items->n - 1 : 0;
    for (size_t i = kept; i < items->n; i++) flip(r, items->items[i], bit, on);
    for (size_t i = 0; i < ask->exclude_n; i++)
        flip(r, ids_find(&r->model->ids, ask->exclude[i]), bit, on);
}

/* -- kinds that score what they reach -- */

static size_t choose(const struct ranker *r, const struct scores *s, int n, struct best_found *ret)
{
    struct best best = {.at = ret, .max = (size_t)n};
    for (size_t i = 0; i < s->reached_n; i++) {
        uint32_t item = s->reached[i];
        if (!r->masked[item]) best_offer(&best, (struct best_found){s->at[item], item});
    }
    return best_sort(&best);
}

static size_t rank_reached(struct ranker *r, const struct ranker_ask *ask, struct best_found *ret,
                           size_t *ret_unknown_n)
{
    struct numbers *items = &r->numbers[0];
    *ret_unknown_n = find_items(r, ask, items);
    mask(r, ask, items, 0, true);
    size_t found = choose(r, ranker_scores(r, items->items, items->n), ask->n, ret);
    mask(r, ask, items, 0, false);
    return found;
}

/* -- kinds whose scores are dot products -- */

static void rank_nearest(struct ranker *r, const struct ranker_ask *asks, size_t n)
{
    struct ranker_answer *ret = r->answers;
    const struct kind *kind = r->model->kind;
    const struct nearest all = kind->nearest(r->model);
    for (size_t u = 0; u < n; u++) {
        struct numbers *items = &r->numbers[u];
        ret[u].unknown_n = find_items(r, &asks[u], items);
        mask(r, &asks[u], items, u, true);
        bool known =
            kind->query(r->model, asks[u].user, items->items, items->n, r->users[u].vector);
        r->users[u].best = (struct best){.at = ret[u].found, .max = known ? (size_t)asks[u].n : 0};
    }
    nearest_find(&all, r->users, n, r->masked);
    for (size_t u = 0; u < n; u++) {
        ret[u].n = best_sort(&r->users[u].best);
        mask(r, &asks[u], &r->numbers[u], u, false);
    }
}

/* -- all kinds -- */

const struct ranker_answer *ranker_rank_all(struct ranker *r, const struct ranker_ask *asks,
                                            size_t n)
{
    assert(n <= RANKER_ASKS_MAX);
    struct ranker_answer *to = r->answers;
    if (r->model->kind->nearest)
        rank_nearest(r, asks, n);
    else
        for (size_t i = 0; i < n; i++)
            to[i].n = rank_reached(r, &asks[i], to[i].found, &to[i].unknown_n);
    return to;
}

size_t ranker_rank(struct ranker *r, const struct ranker_ask *ask,
                   struct best_found ret[RANKER_N_MAX], size_t *ret_unknown_n)
{
    const struct ranker_answer *answer = ranker_rank_all(r, ask, 1);
    memcpy(ret, answer->found, answer->n * sizeof ret[0]);
    if (ret_unknown_n) *ret_unknown_n = answer->unknown_n;
    return answer->n;
}

/* -- canaries -- */

enum { CANARIES = 32, CANARY_N = 20 };

static bool in_order(const struct best_found *found, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(found[i].score) || (i > 0 && !best_worse(&found[i], &found[i - 1])))
            return false;
    return true;
}

const char *ranker_try(const struct model *m)
{
    struct ranker *r = ranker_new(m);
    size_t answered = 0;
    bool good = true;
    for (uint64_t i = 0; i < CANARIES && i < m->ids.n && good; i++) {
        uint32_t item = (uint32_t)(i * m->ids.n / (m->ids.n < CANARIES ? m->ids.n : CANARIES));
        const struct str id = ids_at(&m->ids, item);
        const struct ranker_ask ask = {.items = &id, .items_n = 1, .n = CANARY_N};
        const struct ranker_answer *answer = ranker_rank_all(r, &ask, 1);
        good = in_order(answer->found, answer->n);
        answered += answer->n > 0;
    }
    ranker_free(r);
    if (!good) return "it answers with scores that are not finite";
    return answered ? NULL : "it answers nothing to the items that it knows";
}
