#include "fit/sequences.h"

#include <stdlib.h>
#include <string.h>

#include "base/item_order.h"
#include "base/map.h"
#include "base/mem.h"

struct seen {
    int64_t time_ms;
    uint64_t order[2];
    uint32_t user, item;
};

struct sequences_pool {
    struct map users, items; /* id -> number by first appearance */
    struct seen *seen;       /* own */
    size_t seen_n, seen_cap;
    uint64_t *text_start; /* own; of the items, in order */
    char *text;           /* own */
};

struct sequences_pool *sequences_pool_new(void)
{
    struct sequences_pool *p = mem_zero(1, sizeof *p);
    map_init(&p->users);
    map_init(&p->items);
    return p;
}

void sequences_pool_free(struct sequences_pool *p)
{
    if (!p) return;
    map_finish(&p->users);
    map_finish(&p->items);
    free(p->seen);
    free(p->text_start);
    free(p->text);
    free(p);
}

static uint32_t number_of(struct map *ids, struct str id)
{
    bool new_id;
    uint64_t *number = map_put(ids, id, &new_id);
    if (new_id) *number = ids->n - 1;
    return (uint32_t)*number;
}

bool sequences_pool_add(struct sequences_pool *p, struct str user, struct str item, int64_t time_ms,
                        const uint64_t order[2], struct err *e)
{
    if (p->seen_n >= UINT32_MAX - 1) return err_refuse(e, "more than %u rows", UINT32_MAX - 1);
    p->seen = mem_grow(p->seen, p->seen_n, &p->seen_cap, sizeof p->seen[0]);
    p->seen[p->seen_n++] = (struct seen){
        time_ms, {order[0], order[1]}, number_of(&p->users, user), number_of(&p->items, item)};
    return true;
}

/* -- ranks of ids -- */

struct named {
    struct str id; /* ref in the map */
    uint32_t number;
};

static int named_cmp(const void *left, const void *right)
{
    return item_order_cmp(((const struct named *)left)->id, ((const struct named *)right)->id);
}

static struct named *sorted(const struct map *ids)
{
    size_t n = 0;
    struct named *named = mem_zero(ids->n, sizeof named[0]);
    const struct map_entry *s;
    for (size_t cursor = 0; (s = map_next(ids, &cursor));)
        named[n++] = (struct named){key_str(&s->key), (uint32_t)s->value};
    qsort(named, n, sizeof named[0], named_cmp);
    return named;
}

/* The rank of each number; the caller frees it. */
static uint32_t *ranks_of(const struct named *named, size_t n)
{
    uint32_t *ranks = mem_zero(n, sizeof ranks[0]);
    for (size_t i = 0; i < n; i++) ranks[named[i].number] = (uint32_t)i;
    return ranks;
}

static struct ids name_items(struct sequences_pool *p, const struct named *named)
{
    size_t n = p->items.n, bytes = 0;
    p->text_start = mem_zero(n + 1, sizeof p->text_start[0]);
    for (size_t i = 0; i < n; i++) p->text_start[i + 1] = bytes += named[i].id.len;
    p->text = mem_zero(bytes, 1);
    for (size_t i = 0; i < n; i++)
        memcpy(p->text + p->text_start[i], named[i].id.at, named[i].id.len);
    return (struct ids){.n = (uint32_t)n, .start = p->text_start, .text = p->text};
}

/* Gives all that was seen its last numbers, and returns the ids. */
static struct ids rank_all(struct sequences_pool *p)
{
    struct named *users = sorted(&p->users), *items = sorted(&p->items);
    uint32_t *user_ranks = ranks_of(users, p->users.n), *item_ranks = ranks_of(items, p->items.n);
    for (size_t i = 0; i < p->seen_n; i++) {
        p->seen[i].user = user_ranks[p->seen[i].user];
        p->seen[i].item = item_ranks[p->seen[i].item];
    }
    struct ids ids = name_items(p, items);
    free(users);
    free(items);
    free(user_ranks);
    free(item_ranks);
    return ids;
}

/* -- sequences -- */

static int three_way(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int seen_cmp(const void *left, const void *right)
{
    const struct seen *a = left, *b = right;
    if (a->user != b->user) return a->user < b->user ? -1 : 1;
    if (a->time_ms != b->time_ms) return a->time_ms < b->time_ms ? -1 : 1;
    if (a->order[0] != b->order[0]) return three_way(a->order[0], b->order[0]);
    return three_way(a->order[1], b->order[1]);
}

static struct sequences make(struct ids ids, uint32_t users_n, uint64_t rows_n)
{
    return (struct sequences){.ids = ids,
                              .users_n = users_n,
                              .start = mem_zero((size_t)users_n + 1, sizeof(uint64_t)),
                              .item = mem_zero(rows_n, sizeof(uint32_t)),
                              .user = mem_zero(rows_n, sizeof(uint32_t)),
                              .time_ms = mem_zero(rows_n, sizeof(int64_t))};
}

void sequences_finish(struct sequences *s)
{
    free(s->start);
    free(s->item);
    free(s->user);
    free(s->time_ms);
    *s = (struct sequences){0};
}

/* Rows come user by user; start[u+1] is the end so far of user u's. */
static void append(struct sequences *s, uint64_t *n, uint32_t user, uint32_t item, int64_t time_ms)
{
    s->user[*n] = user;
    s->item[*n] = item;
    s->time_ms[*n] = time_ms;
    s->start[user + 1] = ++*n;
}

/* Users without a row end where the one before them does. */
static void close_gaps(struct sequences *s)
{
    for (uint32_t u = 0; u < s->users_n; u++)
        if (s->start[u + 1] < s->start[u]) s->start[u + 1] = s->start[u];
}

struct sequences sequences_of(struct sequences_pool *p)
{
    struct sequences s = make(rank_all(p), (uint32_t)p->users.n, p->seen_n);
    qsort(p->seen, p->seen_n, sizeof p->seen[0], seen_cmp);
    uint64_t n = 0;
    for (size_t i = 0; i < p->seen_n; i++)
        append(&s, &n, p->seen[i].user, p->seen[i].item, p->seen[i].time_ms);
    free(p->seen);
    p->seen = NULL;
    return s;
}

struct sequences sequences_keep(const struct sequences *s, const bool *keep)
{
    struct sequences kept = make(s->ids, s->users_n, sequences_n(s));
    uint64_t n = 0;
    for (uint64_t i = 0; i < sequences_n(s); i++)
        if (keep[i]) append(&kept, &n, s->user[i], s->item[i], s->time_ms[i]);
    close_gaps(&kept);
    return kept;
}

static int number_cmp(const void *left, const void *right)
{
    return three_way(*(const uint32_t *)left, *(const uint32_t *)right);
}

struct sequences sequences_sets(const struct sequences *s)
{
    struct sequences sets = make(s->ids, s->users_n, sequences_n(s));
    uint32_t *items = mem_zero(sequences_n(s), sizeof items[0]);
    memcpy(items, s->item, sequences_n(s) * sizeof items[0]);
    uint64_t n = 0;
    for (uint32_t u = 0; u < s->users_n; u++) {
        uint64_t from = s->start[u], to = s->start[u + 1];
        qsort(items + from, to - from, sizeof items[0], number_cmp);
        for (uint64_t i = from; i < to; i++)
            if (i == from || items[i] != items[i - 1]) append(&sets, &n, u, items[i], 0);
    }
    close_gaps(&sets);
    free(items);
    return sets;
}

struct sequences_places sequences_places(const struct sequences *s)
{
    uint64_t n = sequences_n(s);
    struct sequences_places p = {.start = mem_zero((size_t)s->ids.n + 2, sizeof p.start[0]),
                                 .at = mem_zero(n, sizeof p.at[0])};
    for (uint64_t i = 0; i < n; i++) p.start[s->item[i] + 2]++;
    for (uint32_t k = 0; k < s->ids.n; k++) p.start[k + 2] += p.start[k + 1];
    for (uint64_t i = 0; i < n; i++) p.at[p.start[s->item[i] + 1]++] = i;
    return p;
}

void sequences_places_finish(struct sequences_places *p)
{
    free(p->start);
    free(p->at);
    *p = (struct sequences_places){0};
}
