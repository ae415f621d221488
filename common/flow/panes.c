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
 * their number in the ranking, one reference per sum, and an item nobody refers to is forgotten: memory follows what is
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
    uint32_t *scratch; /* own: for merging sums */
    size_t scratch_n;
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
    free(p->scratch);
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

static void count_pane(struct panes *p, const struct pane *pane, int64_t sign)
{
    enum { AHEAD = 16 };
    const struct sums *sums = &pane->sums;
    for (size_t i = 0; i < sums->n; i++) {
        if (i + AHEAD < sums->n) ranking_fetch(p->ranking, sums->at[i + AHEAD].item);
        ranking_add(p->ranking, sums->at[i].item, sign * sums->at[i].amount);
    }
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

/* Gives back the references of the sums from `first` on. */
static void drop(struct panes *p, const struct sums *s, size_t first)
{
    uint32_t items[RANKING_SOME];
    for (size_t n; first < s->n; first += n) {
        for (n = 0; n < RANKING_SOME && first + n < s->n; n++) items[n] = s->at[first + n].item;
        ranking_drop(p->ranking, items, n);
    }
}

static void need_scratch(struct panes *p)
{
    size_t numbers = ranking_numbers(p->ranking);
    if (numbers <= p->scratch_n) return;
    free(p->scratch);
    p->scratch = mem_zero(p->scratch_n = numbers, sizeof p->scratch[0]);
}

static void merge(struct panes *p, struct sums *s)
{
    need_scratch(p);
    size_t n = sums_merge(s, p->scratch);
    drop(p, s, n);
    s->n = n;
}

static void make_room(struct panes *p, struct sums *s, size_t more)
{
    if (more <= s->cap - s->n) return;
    p->sums_bytes -= sums_bytes(s);
    if (s->n) merge(p, s);
    sums_reserve(s, more);
    p->sums_bytes += sums_bytes(s);
}

static void add_some(struct panes *p, struct pane *pane, const struct batch_item *added, size_t n)
{
    struct str ids[RANKING_SOME];
    uint32_t items[RANKING_SOME];
    bool standing = in_window(p, pane->number, p->end_ms);
    for (size_t i = 0; i < n; i++) ids[i] = added[i].id;
    ranking_keep(p->ranking, ids, n, items);
    for (size_t i = 0; i < n; i++) {
        sums_put(&pane->sums, items[i], added[i].sum);
        if (standing) ranking_add(p->ranking, items[i], added[i].sum);
        p->sum += added[i].sum;
    }
}

void panes_add(struct panes *p, int64_t offset, const struct batch *b,
               const struct batch_pane *added)
{
    struct pane *pane = need(p, added->pane, offset);
    size_t end = added->item_first + added->item_n;
    make_room(p, &pane->sums, added->item_n);
    for (size_t i = added->item_first; i < end; i += RANKING_SOME)
        add_some(p, pane, &b->items[i], end - i < RANKING_SOME ? end - i : RANKING_SOME);
    pane->events += added->events;
    if (in_window(p, pane->number, p->end_ms)) p->events += added->events;
}

static void forget(struct panes *p, struct pane *pane)
{
    if (in_window(p, pane->number, p->end_ms)) count_pane(p, pane, -1);
    for (size_t i = 0; i < pane->sums.n; i++) p->sum -= pane->sums.at[i].amount;
    drop(p, &pane->sums, 0);
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
        .bytes = p->sums_bytes + p->cap * sizeof p->at[0] + p->scratch_n * sizeof p->scratch[0] +
                 ranking_bytes(p->ranking),
        .sum = p->sum,
    };
}
