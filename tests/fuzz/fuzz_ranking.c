/* The queue of count buckets against a table that is sorted for every answer. The input is a list of operations. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/ranking.h"
#include "fuzz.h"

enum { ITEMS = 24, COUNT_BITS = 60 };

/* In the order among equals: decimals by value, then all others by bytes. */
static const char *const ids[ITEMS] = {"0",
                                       "1",
                                       "2",
                                       "9",
                                       "10",
                                       "11",
                                       "99",
                                       "100",
                                       "9223372036854775807",
                                       "9223372036854775808",
                                       "99999999999999999999",
                                       "-1",
                                       "00",
                                       "007",
                                       "1 ",
                                       "1a",
                                       "A",
                                       "a",
                                       "aa",
                                       "b",
                                       "\xc2\xa0",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x90\x98"};

struct model {
    int64_t counts[ITEMS];
    int references[ITEMS];
    uint32_t numbers[ITEMS];
};

static void keep(struct ranking *r, struct model *m, size_t i)
{
    struct str id = str_of(ids[i]);
    uint32_t number;
    ranking_keep(r, &id, 1, &number);
    assert(!m->references[i] || number == m->numbers[i]);
    m->numbers[i] = number;
    m->references[i]++;
}

static void drop(struct ranking *r, struct model *m, size_t i)
{
    if (!m->references[i] || (m->references[i] == 1 && m->counts[i])) return;
    ranking_drop(r, &m->numbers[i], 1);
    m->references[i]--;
}

static void add(struct ranking *r, struct model *m, size_t i, int64_t amount)
{
    if (!m->references[i]) return;
    if (amount < -m->counts[i]) amount = -m->counts[i];
    if (amount > (INT64_C(1) << COUNT_BITS) - m->counts[i]) return;
    ranking_add(r, m->numbers[i], amount);
    m->counts[i] += amount;
}

/* The best of what is left: the first of the greatest, as ids stand in order; ITEMS = none. */
static size_t take_best(int64_t counts[ITEMS])
{
    size_t best = ITEMS;
    for (size_t i = 0; i < ITEMS; i++)
        if (counts[i] && (best == ITEMS || counts[i] > counts[best])) best = i;
    return best;
}

static void compare(struct ranking *r, const struct model *m, size_t n)
{
    struct ranking_place places[ITEMS];
    int64_t counts[ITEMS];
    memcpy(counts, m->counts, sizeof counts);
    size_t found = ranking_top(r, n, places), alive = 0;
    for (size_t i = 0; i < n; i++) {
        size_t best = take_best(counts);
        assert((best == ITEMS) == (i >= found));
        if (best == ITEMS) break;
        assert(places[i].count == counts[best] && str_eq(places[i].id, str_of(ids[best])));
        counts[best] = 0;
    }
    for (size_t i = 0; i < ITEMS; i++) alive += m->references[i] > 0;
    assert(ranking_item_n(r) == alive);
}

static void step(struct ranking *r, struct model *m, struct fuzz *f)
{
    uint64_t op = fuzz_take(f, 1), i = fuzz_take(f, 1) % ITEMS;
    size_t width = op / 8 % 8;
    int64_t amount = width ? (int64_t)fuzz_take(f, width) : 1; /* often equal ones */
    switch (op % 8) {
    case 0: keep(r, m, i); break;
    case 1: drop(r, m, i); break;
    case 2: compare(r, m, i + 1); break;
    case 3: add(r, m, i, -m->counts[i]); break;
    case 4: add(r, m, i, amount < 0 ? amount : -amount); break;
    default: keep(r, m, i), add(r, m, i, amount & INT64_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    struct model m = {0};
    struct ranking *r = ranking_new();
    while (f.n) step(r, &m, &f);
    compare(r, &m, ITEMS);
    ranking_free(r);
    return 0;
}
