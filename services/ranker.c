#include "services/ranker.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct ranker {
    const struct model *model; /* ref in caller */
    struct scores scores;
    void *work;   /* own */
    bool *masked; /* own; by item; all false between two asks */
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

static void mask(struct ranker *r, const uint32_t *items, size_t n, bool on)
{
    for (size_t i = 0; i < n; i++)
        if (items[i] != IDS_UNKNOWN) r->masked[items[i]] = on;
}

static void mask_excluded(struct ranker *r, const struct ranker_ask *ask, bool on)
{
    for (size_t i = 0; i < ask->exclude_n; i++) {
        uint32_t item = ids_find(&r->model->ids, ask->exclude[i]);
        mask(r, &item, 1, on);
    }
}

static size_t choose(const struct ranker *r, const struct scores *s, int n, struct best_found *ret)
{
    struct best best = {.at = ret, .max = (size_t)n};
    for (size_t i = 0; i < s->reached_n; i++) {
        uint32_t item = s->reached[i];
        if (!r->masked[item]) best_offer(&best, (struct best_found){s->at[item], item});
    }
    return best_sort(&best);
}

size_t ranker_rank(struct ranker *r, const struct ranker_ask *ask,
                   struct best_found ret[RANKER_N_MAX], size_t *ret_unknown_n)
{
    assert(ask->n >= 1 && ask->n <= RANKER_N_MAX && ask->items_n <= RANKER_ITEMS_MAX);
    uint32_t items[RANKER_ITEMS_MAX];
    size_t n = ask->items_n, unknown_n = 0, kept = ask->reconsume && n ? n - 1 : 0;
    for (size_t i = 0; i < n; i++) {
        items[i] = ids_find(&r->model->ids, ask->items[i]);
        unknown_n += items[i] == IDS_UNKNOWN;
    }
    if (ret_unknown_n) *ret_unknown_n = unknown_n;
    mask(r, items + kept, n - kept, true);
    mask_excluded(r, ask, true);
    size_t found = choose(r, ranker_scores(r, items, n), ask->n, ret);
    mask(r, items + kept, n - kept, false);
    mask_excluded(r, ask, false);
    return found;
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
    struct best_found found[RANKER_N_MAX];
    size_t answered = 0;
    bool good = true;
    for (uint64_t i = 0; i < CANARIES && i < m->ids.n && good; i++) {
        uint32_t item = (uint32_t)(i * m->ids.n / (m->ids.n < CANARIES ? m->ids.n : CANARIES));
        const struct str id = ids_at(&m->ids, item);
        size_t n = ranker_rank(r, &(struct ranker_ask){.items = &id, .items_n = 1, .n = CANARY_N},
                               found, NULL);
        good = in_order(found, n);
        answered += n > 0;
    }
    ranker_free(r);
    if (!good) return "it answers with scores that are not finite";
    return answered ? NULL : "it answers nothing to the items that it knows";
}
