/* The sliding window against one that is added up anew each time it is asked for. The input is a list of operations. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/panes.h"
#include "fuzz.h"

enum { ITEMS = 6, PANES = 64, SLIDE_MS = 1000, FIRST_PANE = -20 };

/* In the order among equals. */
static const char *const ids[ITEMS] = {"7", "10", "007", "a", "a b", "\xe2\x82\xac"};

struct model {
    struct window_conf conf;
    struct {
        bool there;
        int64_t first_offset, events, sums[ITEMS];
    } panes[PANES]; /* from FIRST_PANE on */
    int64_t offset;
};

static void add(struct panes *p, struct model *m, struct fuzz *f)
{
    struct batch b = {0};
    size_t pane = fuzz_take(f, 1) % PANES, items = fuzz_take(f, 1) % (ITEMS + 1);
    int64_t events = (int64_t)fuzz_take(f, 2);
    batch_add_pane(&b, FIRST_PANE + (int64_t)pane, events);
    for (size_t i = 0; i < items; i++) {
        uint64_t width = fuzz_take(f, 1);
        int64_t sum = 1 + (int64_t)fuzz_take(f, width % 4 + 1);
        batch_add_item(&b, str_of(ids[width / 4 % ITEMS]), sum);
        m->panes[pane].sums[width / 4 % ITEMS] += sum;
    }
    if (!m->panes[pane].there) m->panes[pane].first_offset = m->offset;
    m->panes[pane].there = true;
    m->panes[pane].events += events;
    panes_add(p, m->offset++, &b, &b.panes[0]);
    batch_finish(&b);
}

static void forget(struct panes *p, struct model *m, size_t last)
{
    for (size_t i = 0; i <= last; i++) memset(&m->panes[i], 0, sizeof m->panes[i]);
    panes_forget(p, FIRST_PANE + (int64_t)last);
}

static size_t take_best(int64_t sums[ITEMS])
{
    size_t best = ITEMS;
    for (size_t i = 0; i < ITEMS; i++)
        if (sums[i] && (best == ITEMS || sums[i] > sums[best])) best = i;
    return best;
}

static int64_t add_up(const struct model *m, int64_t end_ms, int64_t sums[ITEMS])
{
    int64_t events = 0;
    for (int64_t i = 0; i < PANES; i++) {
        int64_t start_ms = (FIRST_PANE + i) * SLIDE_MS;
        if (start_ms < end_ms - m->conf.size_ms || start_ms >= end_ms) continue;
        events += m->panes[i].events;
        for (size_t k = 0; k < ITEMS; k++) sums[k] += m->panes[i].sums[k];
    }
    return events;
}

static void slide(struct panes *p, const struct model *m, int64_t end_ms, size_t n)
{
    struct ranking_place places[ITEMS];
    int64_t events, sums[ITEMS] = {0};
    size_t found = panes_top(p, end_ms, n, places, &events);
    assert(events == add_up(m, end_ms, sums));
    for (size_t i = 0; i < n; i++) {
        size_t best = take_best(sums);
        assert((best == ITEMS) == (i >= found));
        if (best == ITEMS) break;
        assert(places[i].count == sums[best] && str_eq(places[i].id, str_of(ids[best])));
        sums[best] = 0;
    }
}

static void measure(const struct panes *p, const struct model *m)
{
    int64_t hold = INT64_MAX, sum = 0, first = PANES_NONE;
    size_t n = 0;
    for (int64_t i = PANES - 1; i >= 0; i--) {
        if (!m->panes[i].there) continue;
        n++;
        first = FIRST_PANE + i;
        if (m->panes[i].first_offset < hold) hold = m->panes[i].first_offset;
        for (size_t k = 0; k < ITEMS; k++) sum += m->panes[i].sums[k];
    }
    struct panes_size size = panes_size(p);
    assert(size.pane_n == n && size.sum == sum);
    assert(panes_first(p) == first && panes_hold(p) == hold);
    assert(panes_any(p, FIRST_PANE, FIRST_PANE + PANES) == (n > 0));
}

/* The first byte is the number of panes in a window. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    struct model m = {.conf = {.slide_ms = SLIDE_MS}};
    m.conf.size_ms = (int64_t)(1 + fuzz_take(&f, 1) % 16) * SLIDE_MS;
    struct panes *p = panes_new(&m.conf);
    while (f.n) {
        uint64_t op = fuzz_take(&f, 1);
        int64_t end_ms = (FIRST_PANE - 4 + (int64_t)(op / 4)) * SLIDE_MS;
        if (op % 4 < 2)
            add(p, &m, &f);
        else if (op % 4 == 2)
            slide(p, &m, end_ms, 1 + fuzz_take(&f, 1) % ITEMS);
        else
            forget(p, &m, op / 4 % PANES);
        measure(p, &m);
    }
    panes_free(p);
    return 0;
}
