/* Rows are kept as numbers, 16 bytes each; then a counting sort by user, each user's rows sorted
 * by time, and a walk over them that counts the pairs. The pairs end as compressed sparse rows
 * over items numbered by the order of their ids: the model file's form. */
#include "fit/learn.h"

#include <stdlib.h>
#include <string.h>

#include "base/item_order.h"
#include "base/map.h"
#include "base/mem.h"
#include "fit/edges.h"

/* 0.7^(distance-1) in hundredths */
static const uint32_t weights[] = {100, 70, 49};

struct seen {
    int64_t time_ms;
    uint32_t user, item;
};

struct step {
    int64_t time_ms;
    uint32_t order, item; /* order: in the log */
};

struct learn {
    struct map users, items; /* id -> number by first appearance */
    struct seen *seen;       /* own */
    size_t seen_n, seen_cap;
    struct edges edges;
    /* The model's arrays, own. */
    uint64_t *sums, *row_start, *text_start;
    uint32_t *to, *count;
    char *text;
};

struct learn *learn_new(void)
{
    struct learn *l = mem_zero(1, sizeof *l);
    map_init(&l->users);
    map_init(&l->items);
    edges_init(&l->edges);
    return l;
}

void learn_free(struct learn *l)
{
    if (!l) return;
    map_finish(&l->users);
    map_finish(&l->items);
    edges_finish(&l->edges);
    free(l->seen);
    free(l->sums);
    free(l->row_start);
    free(l->text_start);
    free(l->to);
    free(l->count);
    free(l->text);
    free(l);
}

static uint32_t number_of(struct map *ids, struct str id)
{
    bool new_id;
    uint64_t *number = map_put(ids, id, &new_id);
    if (new_id) *number = ids->n - 1;
    return (uint32_t)*number;
}

bool learn_add(struct learn *l, struct str user, struct str item, int64_t time_ms, struct err *e)
{
    if (l->seen_n >= UINT32_MAX) return err_refuse(e, "more than %u rows", UINT32_MAX);
    l->seen = mem_grow(l->seen, l->seen_n, &l->seen_cap, sizeof l->seen[0]);
    l->seen[l->seen_n++] =
        (struct seen){time_ms, number_of(&l->users, user), number_of(&l->items, item)};
    return true;
}

/* -- rows to pairs -- */

static int step_cmp(const void *left, const void *right)
{
    const struct step *a = left, *b = right;
    if (a->time_ms != b->time_ms) return a->time_ms < b->time_ms ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* All steps, user by user. The caller frees them and *ret_ends: the end of each user's. */
static struct step *group_by_user(struct learn *l, size_t **ret_ends)
{
    struct step *steps = mem_zero(l->seen_n, sizeof *steps);
    size_t *at = mem_zero(l->users.n + 1, sizeof *at);
    for (size_t i = 0; i < l->seen_n; i++) at[l->seen[i].user + 1]++;
    for (size_t u = 0; u < l->users.n; u++) at[u + 1] += at[u];
    for (size_t i = 0; i < l->seen_n; i++) {
        const struct seen *s = &l->seen[i];
        steps[at[s->user]++] = (struct step){s->time_ms, (uint32_t)i, s->item};
    }
    free(l->seen);
    l->seen = NULL;
    *ret_ends = at; /* each start has moved on to its end */
    return steps;
}

static void count_pairs(struct edges *edges, const struct step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < COUNT_OF(weights) && i + 1 + d < n; d++)
            edges_add(edges, steps[i].item, steps[i + 1 + d].item, weights[d]);
}

static void count_all(struct learn *l)
{
    size_t *ends, from = 0;
    struct step *steps = group_by_user(l, &ends);
    for (size_t u = 0; u < l->users.n; u++) {
        qsort(steps + from, ends[u] - from, sizeof steps[0], step_cmp);
        count_pairs(&l->edges, steps + from, ends[u] - from);
        from = ends[u];
    }
    free(steps);
    free(ends);
}

/* -- pairs to the model's arrays -- */

struct named {
    struct str id; /* ref in the map */
    uint32_t number;
};

static int named_cmp(const void *left, const void *right)
{
    return item_order_cmp(((const struct named *)left)->id, ((const struct named *)right)->id);
}

/* Numbers the items by their ids, fills the id table and returns the rank of each old number
 * (own). */
static uint32_t *rank_items(struct learn *l)
{
    size_t n = 0, text_len = 0;
    struct named *named = mem_zero(l->items.n, sizeof named[0]);
    const struct map_slot *s;
    for (size_t cursor = 0; (s = map_next(&l->items, &cursor)); text_len += s->key.len)
        named[n++] = (struct named){key_str(&s->key), (uint32_t)s->value};
    qsort(named, n, sizeof named[0], named_cmp);
    uint32_t *ranks = mem_zero(n, sizeof ranks[0]);
    l->text = mem_zero(text_len, 1);
    l->text_start = mem_zero(n + 1, sizeof l->text_start[0]);
    for (size_t i = 0; i < n; i++) {
        ranks[named[i].number] = (uint32_t)i;
        memcpy(l->text + l->text_start[i], named[i].id.at, named[i].id.len);
        l->text_start[i + 1] = l->text_start[i] + named[i].id.len;
    }
    free(named);
    return ranks;
}

struct cell {
    uint32_t to, count;
};

static int cell_cmp(const void *left, const void *right)
{
    const struct cell *a = left, *b = right;
    return (a->to > b->to) - (a->to < b->to);
}

/* The pairs, row by row, each row by `to`; row_start is filled on the way. */
static struct cell *group_by_row(struct learn *l, const uint32_t *ranks)
{
    size_t n = l->items.n;
    struct cell *cells = mem_zero(l->edges.n, sizeof cells[0]);
    uint64_t *at = mem_zero(n + 1, sizeof at[0]);
    l->row_start = mem_zero(n + 1, sizeof l->row_start[0]);
    const struct edge *e;
    for (size_t cursor = 0; (e = edges_next(&l->edges, &cursor));)
        l->row_start[ranks[e->from] + 1]++;
    for (size_t i = 0; i < n; i++) l->row_start[i + 1] += l->row_start[i];
    memcpy(at, l->row_start, n * sizeof at[0]);
    for (size_t cursor = 0; (e = edges_next(&l->edges, &cursor));)
        cells[at[ranks[e->from]]++] = (struct cell){ranks[e->to], e->count};
    free(at);
    for (size_t i = 0; i < n; i++)
        qsort(cells + l->row_start[i], l->row_start[i + 1] - l->row_start[i], sizeof cells[0],
              cell_cmp);
    return cells;
}

static void fill_rows(struct learn *l, const struct cell *cells)
{
    size_t n = l->items.n;
    l->sums = mem_zero(n, sizeof l->sums[0]);
    l->to = mem_zero(l->edges.n, sizeof l->to[0]);
    l->count = mem_zero(l->edges.n, sizeof l->count[0]);
    for (size_t item = 0; item < n; item++) {
        for (uint64_t i = l->row_start[item]; i < l->row_start[item + 1]; i++) {
            l->to[i] = cells[i].to;
            l->count[i] = cells[i].count;
            l->sums[item] += cells[i].count;
        }
    }
}

struct model learn_model(struct learn *l)
{
    count_all(l);
    uint32_t *ranks = rank_items(l);
    struct cell *cells = group_by_row(l, ranks);
    free(ranks);
    fill_rows(l, cells);
    free(cells);
    return (struct model){
        .items_n = (uint32_t)l->items.n,
        .edges_n = l->edges.n,
        .text_bytes = l->text_start[l->items.n],
        .sums = l->sums,
        .row_start = l->row_start,
        .text_start = l->text_start,
        .to = l->to,
        .count = l->count,
        .text = l->text,
    };
}
