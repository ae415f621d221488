/* T[a][b] += 0.7^(distance-1) whenever a user saw b at most 3 places after a. Row by row: all places
 * of a, and what follows each. */
#include <stdlib.h>

#include "base/mem.h"
#include "fit/recipe.h"

/* 0.7^(distance-1) in hundredths: doubles add them exactly */
static const double weights[] = {100, 70, 49};

struct rows {
    uint64_t *sums, *start; /* own, until the model takes them */
    uint32_t *to, *count;
    size_t n, to_cap, count_cap;
};

static void sum_row(const struct sequences *s, const struct sequences_places *places, uint32_t a,
                    struct scores *sums)
{
    for (uint64_t i = places->start[a]; i < places->start[a + 1]; i++) {
        uint64_t at = places->at[i], end = s->start[s->user[at] + 1];
        for (size_t d = 0; d < COUNT_OF(weights) && at + 1 + d < end; d++)
            scores_add(sums, s->item[at + 1 + d], weights[d]);
    }
}

static int number_cmp(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void append_row(struct rows *rows, uint32_t a, struct scores *sums)
{
    qsort(sums->reached, sums->reached_n, sizeof sums->reached[0], number_cmp);
    for (size_t i = 0; i < sums->reached_n; i++) {
        double sum = sums->at[sums->reached[i]];
        rows->to = mem_grow(rows->to, rows->n, &rows->to_cap, sizeof rows->to[0]);
        rows->count = mem_grow(rows->count, rows->n, &rows->count_cap, sizeof rows->count[0]);
        rows->to[rows->n] = sums->reached[i];
        rows->count[rows->n] = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
        rows->sums[a] += rows->count[rows->n++];
    }
    rows->start[a + 1] = rows->n;
}

static struct rows fill(const struct recipe *r)
{
    const struct sequences *s = r->log;
    struct rows rows = {.sums = mem_zero(s->ids.n, sizeof rows.sums[0]),
                        .start = mem_zero((size_t)s->ids.n + 1, sizeof rows.start[0])};
    struct sequences_places places = sequences_places(s);
    struct scores sums;
    scores_init(&sums, s->ids.n);
    for (uint32_t a = 0; a < s->ids.n; a++) {
        progress_tell(r->progress, "transitions", a, s->ids.n);
        sum_row(s, &places, a, &sums);
        append_row(&rows, a, &sums);
        scores_clear(&sums);
    }
    scores_finish(&sums);
    sequences_places_finish(&places);
    return rows;
}

struct model *transitions_fit(const struct recipe *r, struct err *e)
{
    (void)e;
    struct rows rows = fill(r);
    struct model *m = recipe_model(r, &transitions_kind);
    recipe_array(m, r->log->ids.n, rows.sums);
    recipe_array(m, (uint64_t)r->log->ids.n + 1, rows.start);
    recipe_array(m, rows.n, rows.to);
    recipe_array(m, rows.n, rows.count);
    return m;
}
