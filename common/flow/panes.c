#include "flow/panes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flow/sums.h"

/* The sliding sum.
 *
 * A window is the sum of its panes: with the default hour in panes of five minutes, twelve tables of up to millions of
 * sums. Merging them anew for every window would cost twelve times what changes. So there is one set of running
 * counts (the ranking), and it always stands for one window, `end`:
 *
 *     going on to the next window       subtracts the pane that leaves, adds the one that enters
 *     an older window (a correction)    is the same walk backwards: what left comes back, what entered goes;
 *                                       and forwards again afterwards, which undoes it
 *     a jump over years                 subtracts what there was and adds what there is: panes without events do
 *                                       not exist and cost nothing
 *
 * All three are one rule: subtract the panes that are in the old window only, add those in the new one only. Rows that
 * arrive for a pane of the standing window are added to both, the pane and the counts. So at any time
 *
 *     count of an item  =  sum of its sums in the existing panes of window `end`
 *
 * which also holds when a pane is freed: what it added is subtracted first. A pane refers to its items by
 * their number in the ranking, one reference per pane, and an item nobody refers to is forgotten: memory follows what is
 * alive. */

struct pane {
    int64_t number;
    int64_t first_offset; /* of the batches that added to it */
    int64_t events;
    struct sums sums;
};

struct panes {
    const struct window_conf *conf; /* ref in caller */
    struct pane *at;                /* own; ascending numbers */
    size_t n, cap;
    struct ranking *ranking; /* own: the counts of the window that ends at `end` */
    int64_t end_ms;          /* PANES_NONE = of no window */
    int64_t events;          /* of that window */
    size_t sums_bytes;
    int64_t sum;
};

struct panes *panes_new(const struct window_conf *conf)
{
    struct panes *p = mem_zero(1, sizeof *p);
    p->conf = conf;
    p->ranking = ranking_new();
    p->end_ms = PANES_NONE;
    return p;
}

void panes_free(struct panes *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->n; i++) sums_finish(&p->at[i].sums);
    free(p->at);
    ranking_free(p->ranking);
    free(p);
}

/* The index of the first pane that is not before number. */
static size_t find(const struct panes *p, int64_t number)
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->at[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t panes_first(const struct panes *p)
{
    return p->n ? p->at[0].number : PANES_NONE;
}

bool panes_any(const struct panes *p, int64_t first, int64_t last)
{
    size_t i = find(p, first);
    return i < p->n && p->at[i].number <= last;
}

int64_t panes_hold(const struct panes *p)
{
    int64_t hold = INT64_MAX;
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].first_offset < hold) hold = p->at[i].first_offset;
    return hold;
}

/* --- the running counts --------------------------------------------------------------------------- */

static bool in_window(const struct panes *p, int64_t number, int64_t end_ms)
{
    return end_ms != PANES_NONE && number >= window_first_pane(p->conf, end_ms) &&
           number <= window_last_pane(p->conf, end_ms);
}

/* Some of a pane's sums at a time, so that their items are on the way from memory before the first is touched. */
enum { SOME = 32 };

struct some {
    size_t n;
    uint32_t items[SOME];
    int64_t sums[SOME];
};

static bool next_some(const struct panes *p, const struct pane *pane, size_t *cursor,
                      struct some *some)
{
    some->n = 0;
    while (some->n < SOME &&
           sums_next(&pane->sums, cursor, &some->items[some->n], &some->sums[some->n]))
        ranking_fetch(p->ranking, some->items[some->n++]);
    return some->n > 0;
}

static void count_pane(struct panes *p, const struct pane *pane, int64_t sign)
{
    struct some some;
    for (size_t cursor = 0; next_some(p, pane, &cursor, &some);)
        for (size_t i = 0; i < some.n; i++)
            ranking_add(p->ranking, some.items[i], sign * some.sums[i]);
    p->events += sign * pane->events;
}

/* Counts the panes of window a that are not in window b. */
static void count_difference(struct panes *p, int64_t a, int64_t b, int64_t sign)
{
    if (a == PANES_NONE) return;
    for (size_t i = find(p, window_first_pane(p->conf, a)); i < p->n; i++) {
        if (!in_window(p, p->at[i].number, a)) break;
        if (!in_window(p, p->at[i].number, b)) count_pane(p, &p->at[i], sign);
    }
}

static void move_to(struct panes *p, int64_t end_ms)
{
    count_difference(p, p->end_ms, end_ms, -1);
    count_difference(p, end_ms, p->end_ms, 1);
    p->end_ms = end_ms;
}

size_t panes_top(struct panes *p, int64_t end_ms, size_t n, struct ranking_place *places,
                 int64_t *ret_events)
{
    move_to(p, end_ms);
    *ret_events = p->events;
    return ranking_top(p->ranking, n, places);
}

/* --- panes come and go ---------------------------------------------------------------------------- */

static struct pane *need(struct panes *p, int64_t number, int64_t offset)
{
    size_t i = find(p, number);
    if (i < p->n && p->at[i].number == number) return &p->at[i];
    p->at = mem_grow(p->at, p->n, &p->cap, sizeof p->at[0]);
    memmove(&p->at[i + 1], &p->at[i], (p->n++ - i) * sizeof p->at[0]);
    p->at[i] = (struct pane){.number = number, .first_offset = offset};
    return &p->at[i];
}

void panes_add(struct panes *p, int64_t offset, const struct batch *b,
               const struct batch_pane *added)
{
    enum { AHEAD = 16 };
    size_t end = added->item_first + added->item_n;
    struct pane *pane = need(p, added->pane, offset);
    bool standing = in_window(p, added->pane, p->end_ms);
    p->sums_bytes -= sums_bytes(&pane->sums);
    for (size_t i = added->item_first; i < end; i++) {
        if (i + AHEAD < end) ranking_expect(p->ranking, b->items[i + AHEAD].id);
        uint32_t item = ranking_item(p->ranking, b->items[i].id);
        if (sums_add(&pane->sums, item, b->items[i].sum)) ranking_keep(p->ranking, item);
        if (standing) ranking_add(p->ranking, item, b->items[i].sum);
        p->sum += b->items[i].sum;
    }
    p->sums_bytes += sums_bytes(&pane->sums);
    pane->events += added->events;
    if (standing) p->events += added->events;
}

static void forget(struct panes *p, struct pane *pane)
{
    struct some some;
    if (in_window(p, pane->number, p->end_ms)) count_pane(p, pane, -1);
    for (size_t cursor = 0; next_some(p, pane, &cursor, &some);) {
        for (size_t i = 0; i < some.n; i++) {
            ranking_drop(p->ranking, some.items[i]);
            p->sum -= some.sums[i];
        }
    }
    p->sums_bytes -= sums_bytes(&pane->sums);
    sums_finish(&pane->sums);
}

void panes_forget(struct panes *p, int64_t last)
{
    size_t n = 0;
    while (n < p->n && p->at[n].number <= last) forget(p, &p->at[n++]);
    if (!n) return;
    memmove(p->at, p->at + n, (p->n - n) * sizeof p->at[0]);
    p->n -= n;
}

struct panes_size panes_size(const struct panes *p)
{
    return (struct panes_size){
        .pane_n = p->n,
        .item_n = ranking_item_n(p->ranking),
        .bytes = p->sums_bytes + p->cap * sizeof p->at[0] + ranking_bytes(p->ranking),
        .sum = p->sum,
    };
}
