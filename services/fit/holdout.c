#include "fit/holdout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LAST_N = 3 };

static bool is_new(const struct sequences *log, uint64_t row)
{
    for (uint64_t i = log->start[log->user[row]]; i < row; i++)
        if (log->item[i] == log->item[row]) return false;
    return true;
}

/* -- which rows are targets, and which are kept for training -- */

struct draft {
    bool *keep, *target; /* own; by row */
};

/* Also those whose items are not new are kept from training, which is not to know what came after a
 * target. */
static void draw_last(const struct sequences *log, struct draft *d)
{
    for (uint32_t u = 0; u < log->users_n; u++) {
        uint64_t to = log->start[u + 1], half = (to - log->start[u]) / 2;
        for (uint64_t i = to - (half < LAST_N ? half : LAST_N); i < to; i++) {
            d->target[i] = is_new(log, i);
            d->keep[i] = false;
        }
    }
}

static int64_t last_ms(const struct sequences *log, uint32_t user)
{
    uint64_t to = log->start[user + 1];
    return to > log->start[user] ? log->time_ms[to - 1] : INT64_MIN;
}

static int time_cmp(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* The last tenth of users begins after this time. */
static int64_t cut_ms(const struct sequences *log)
{
    uint64_t kept = (uint64_t)log->users_n * 9 / 10;
    if (kept == 0) return INT64_MAX;
    int64_t *times = mem_zero(log->users_n, sizeof times[0]);
    for (uint32_t u = 0; u < log->users_n; u++) times[u] = last_ms(log, u);
    qsort(times, log->users_n, sizeof times[0], time_cmp);
    int64_t cut = times[kept - 1];
    free(times);
    return cut;
}

static void draw_users(const struct sequences *log, struct draft *d)
{
    int64_t cut = cut_ms(log);
    for (uint32_t u = 0; u < log->users_n; u++) {
        if (last_ms(log, u) <= cut) continue;
        for (uint64_t i = log->start[u]; i < log->start[u + 1]; i++) {
            d->keep[i] = false;
            d->target[i] = i > log->start[u] && log->item[i] != log->item[i - 1];
        }
    }
}

static void choose_targets(struct holdout *h, const bool *target)
{
    size_t all = 0, nth = 0;
    for (uint64_t i = 0; i < sequences_n(h->log); i++) all += target[i];
    size_t step = all / HOLDOUT_CASES_MAX + (all % HOLDOUT_CASES_MAX > 0);
    h->targets = mem_zero(HOLDOUT_CASES_MAX, sizeof h->targets[0]);
    for (uint64_t i = 0; i < sequences_n(h->log); i++)
        if (target[i] && nth++ % step == 0) h->targets[h->n++] = i;
}

struct holdout holdout_of(const struct sequences *log, enum settings_split split)
{
    size_t n = sequences_n(log);
    struct holdout h = {.log = log, .reconsume = split == SETTINGS_USERS};
    struct draft d = {mem_zero(n, sizeof(bool)), mem_zero(n, sizeof(bool))};
    memset(d.keep, true, n);
    if (split == SETTINGS_USERS)
        draw_users(log, &d);
    else
        draw_last(log, &d);
    h.train = sequences_keep(log, d.keep);
    choose_targets(&h, d.target);
    free(d.keep);
    free(d.target);
    return h;
}

struct holdout holdout_since(const struct sequences *log, int64_t since_ms)
{
    struct holdout h = {.log = log};
    bool *target = mem_zero(sequences_n(log), sizeof(bool));
    for (uint64_t i = 0; i < sequences_n(log); i++)
        target[i] = log->time_ms[i] >= since_ms && i > log->start[log->user[i]] && is_new(log, i);
    choose_targets(&h, target);
    free(target);
    return h;
}

void holdout_finish(struct holdout *h)
{
    sequences_finish(&h->train);
    free(h->targets);
    *h = (struct holdout){0};
}

size_t holdout_items(const struct holdout *h, size_t i, uint32_t ret_items[RANKER_ITEMS_MAX])
{
    uint64_t to = h->targets[i], from = h->log->start[h->log->user[to]];
    if (to - from > RANKER_ITEMS_MAX) from = to - RANKER_ITEMS_MAX;
    memcpy(ret_items, h->log->item + from, (to - from) * sizeof ret_items[0]);
    return to - from;
}

bool holdout_masked(const struct holdout *h, const uint32_t *items, size_t n, uint32_t item)
{
    for (size_t i = h->reconsume ? n - 1 : 0; i < n; i++)
        if (items[i] == item) return true;
    return false;
}

/* -- measures -- */

void holdout_count(struct holdout_measure *m, size_t rank)
{
    m->n++;
    if (rank >= 1 && rank <= 20) m->reciprocal += 1 / (double)rank;
    if (rank < 1 || rank > 10) return;
    m->hits += 1;
    m->gain += 1 / log2((double)rank + 1);
}

void holdout_report(const struct holdout_measure *m, struct manifest_json_numbers *to)
{
    if (m->n == 0) return;
    double n = (double)m->n;
    manifest_json_add(to, "cases", n);
    manifest_json_add(to, "hr@10", m->hits / n);
    manifest_json_add(to, "mrr@20", m->reciprocal / n);
    manifest_json_add(to, "ndcg@10", m->gain / n);
}

static size_t rank_of(const struct holdout *h, const struct scores *s, const uint32_t *items,
                      size_t n, uint32_t target)
{
    size_t rank = 1;
    if (!s->is_reached[target]) return 0;
    const struct best_found at = {s->at[target], target};
    for (size_t i = 0; i < s->reached_n; i++) {
        const struct best_found other = {s->at[s->reached[i]], s->reached[i]};
        if (best_worse(&at, &other) && !holdout_masked(h, items, n, other.item)) rank++;
    }
    return rank;
}

struct holdout_measure holdout_measure(const struct holdout *h, const struct model *m)
{
    struct holdout_measure measure = {0};
    uint32_t items[RANKER_ITEMS_MAX];
    struct ranker *r = ranker_new(m);
    for (size_t i = 0; i < h->n; i++) {
        size_t n = holdout_items(h, i, items);
        const struct scores *s = ranker_scores(r, items, n);
        holdout_count(&measure, rank_of(h, s, items, n, h->log->item[h->targets[i]]));
    }
    ranker_free(r);
    return measure;
}
