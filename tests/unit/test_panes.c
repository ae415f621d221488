/* Panes and their sliding counts, against a table that is added up anew for every window asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/panes.h"

enum { ITEMS = 12, PANES = 60, TOP = 4, STEPS = 4000, SLIDE = 10 };

static uint64_t seed;

static int64_t draw(int64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((seed >> 33) % (uint64_t)below);
}

/* In their order: by value, then by bytes. */
static const char *const ids[ITEMS] = {"0", "9", "10", "11", "-1", "007",
                                       "B", "a", "aa", "b",  "z",  "é"};

struct model {
    const struct window_conf *conf;
    struct {
        bool there;
        int64_t events, first_offset, sums[ITEMS];
    } panes[PANES];
};

/* Adds a random delta to one pane of both. */
static void add(struct panes *p, struct model *m, int64_t pane, int64_t offset)
{
    struct batch b = {0};
    int64_t events = 1 + draw(9);
    batch_add_pane(&b, pane, events);
    for (size_t i = 0; i < ITEMS; i++) {
        if (draw(3)) continue;
        int64_t sum = 1 + draw(draw(20) ? 3 : 1000);
        batch_add_item(&b, str_of(ids[i]), sum);
        m->panes[pane].sums[i] += sum;
    }
    if (!m->panes[pane].there) m->panes[pane].first_offset = offset;
    m->panes[pane].there = true;
    m->panes[pane].events += events;
    panes_add(p, offset, &b, &b.panes[0]);
    batch_finish(&b);
}

static void forget(struct panes *p, struct model *m, int64_t last)
{
    for (int64_t i = 0; i <= last; i++) memset(&m->panes[i], 0, sizeof m->panes[i]);
    panes_forget(p, last);
}

static bool in_window(const struct model *m, int64_t pane, int64_t end)
{
    return pane * SLIDE >= end - m->conf->size_ms && pane * SLIDE < end;
}

/* The best of what is left, by count, then by order; ITEMS = nothing is left. */
static size_t take_best(int64_t sums[ITEMS])
{
    size_t best = ITEMS;
    for (size_t k = 0; k < ITEMS; k++)
        if (sums[k] > 0 && (best == ITEMS || sums[k] > sums[best])) best = k;
    return best;
}

static void compare_top(struct panes *p, const struct model *m, int64_t end)
{
    int64_t events, expected = 0, sums[ITEMS] = {0}; /* in the order of ids */
    struct ranking_place places[TOP];
    size_t n = panes_top(p, end, TOP, places, &events), at = 0, best;
    for (int64_t i = 0; i < PANES; i++) {
        if (!in_window(m, i, end)) continue;
        expected += m->panes[i].events;
        for (size_t k = 0; k < ITEMS; k++) sums[k] += m->panes[i].sums[k];
    }
    assert_int_equal(events, expected);
    for (; at < TOP && (best = take_best(sums)) < ITEMS; at++) {
        assert_true(at < n && str_eq(places[at].id, str_of(ids[best])));
        assert_int_equal(places[at].count, sums[best]);
        sums[best] = 0;
    }
    assert_int_equal(n, at);
}

static void compare_all(const struct panes *p, const struct model *m)
{
    int64_t hold = INT64_MAX, first = PANES_NONE, sum = 0;
    size_t pane_n = 0, item_n = 0;
    bool alive[ITEMS] = {0};
    for (int64_t i = 0; i < PANES; i++) {
        if (!m->panes[i].there) continue;
        if (!pane_n++) first = i;
        if (m->panes[i].first_offset < hold) hold = m->panes[i].first_offset;
        for (size_t k = 0; k < ITEMS; k++) {
            sum += m->panes[i].sums[k];
            alive[k] |= m->panes[i].sums[k] > 0;
        }
    }
    for (size_t k = 0; k < ITEMS; k++) item_n += alive[k];
    struct panes_size size = panes_size(p);
    assert_true(panes_hold(p) == hold && panes_first(p) == first);
    assert_int_equal(size.pane_n, pane_n);
    assert_int_equal(size.item_n, item_n);
    assert_int_equal(size.sum, sum);
    int64_t a = draw(PANES), b = a + draw(5);
    bool any = false;
    for (int64_t i = a; i <= b && i < PANES; i++) any |= m->panes[i].there;
    assert_int_equal(panes_any(p, a, b), any);
}

static void panes_are_what_was_added(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 6; run++) {
        const struct window_conf conf = {.size_ms = SLIDE * (int64_t)run, .slide_ms = SLIDE};
        struct model m = {.conf = &conf};
        struct panes *p = panes_new(&conf);
        seed = run;
        for (int64_t i = 0; i < STEPS; i++) {
            int64_t now = i * (PANES - 1) / STEPS; /* windows move on, with corrections behind */
            int64_t pane = draw(4) ? now : draw(PANES);
            if (draw(3)) add(p, &m, pane, i);
            if (!draw(3)) compare_top(p, &m, SLIDE * (draw(5) ? now + 1 : draw(PANES + 10)));
            if (!draw(200)) forget(p, &m, draw(now + 1));
            compare_all(p, &m);
        }
        forget(p, &m, PANES - 1);
        compare_all(p, &m);
        assert_int_equal(panes_size(p).item_n, 0);
        panes_free(p);
    }
}

static void memory_of_what_is_forgotten_counts_no_more(void **state)
{
    (void)state;
    const struct window_conf conf = {.size_ms = SLIDE, .slide_ms = SLIDE};
    struct panes *p = panes_new(&conf);
    struct batch b = {0};
    size_t bytes = 0;
    batch_add_pane(&b, 7, 1);
    batch_add_item(&b, str_of("a"), 1);
    for (int64_t offset = 0; offset < 3; offset++) {
        panes_add(p, offset, &b, &b.panes[0]);
        if (!bytes) bytes = panes_size(p).bytes;
        assert_int_equal(panes_size(p).bytes, bytes);
        panes_forget(p, 7);
        assert_true(panes_size(p).bytes < bytes);
    }
    batch_finish(&b);
    panes_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panes_are_what_was_added),
        cmocka_unit_test(memory_of_what_is_forgotten_counts_no_more),
    };
    return cmocka_run_group_tests_name("panes", tests, NULL, NULL);
}
