/* Item by item: all users of b, and the items of each. n_ab is counted, never kept; what is kept, the
 * neighbours of each b, is turned around in the end. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fit/recipe.h"
#include "services/best.h"

struct rows {
    uint64_t *start;
    uint32_t *to;
    float *similarity;
    size_t n, to_cap, similarity_cap;
};

static void count_row(const struct sequences *sets, const struct sequences_places *places,
                      uint32_t b, struct scores *counts)
{
    for (uint64_t i = places->start[b]; i < places->start[b + 1]; i++) {
        uint32_t user = sets->user[places->at[i]];
        for (uint64_t k = sets->start[user]; k < sets->start[user + 1]; k++)
            if (sets->item[k] != b) scores_add(counts, sets->item[k], 1);
    }
}

static double users_of(const struct sequences_places *places, uint32_t item)
{
    return (double)(places->start[item + 1] - places->start[item]);
}

static void keep_nearest(const struct sequences_places *places, uint32_t b,
                         const struct scores *counts, struct best *best)
{
    for (size_t i = 0; i < counts->reached_n; i++) {
        uint32_t a = counts->reached[i];
        double cosine = counts->at[a] / sqrt(users_of(places, a) * users_of(places, b));
        best_offer(best, (struct best_found){cosine, a});
    }
    best_sort(best);
}

static void append_row(struct rows *rows, uint32_t b, const struct best *best)
{
    for (size_t i = 0; i < best->n; i++) {
        rows->to = mem_grow(rows->to, rows->n, &rows->to_cap, sizeof rows->to[0]);
        rows->similarity =
            mem_grow(rows->similarity, rows->n, &rows->similarity_cap, sizeof rows->similarity[0]);
        rows->to[rows->n] = best->at[i].item;
        rows->similarity[rows->n++] = (float)best->at[i].score;
    }
    rows->start[b + 1] = rows->n;
}

/* From neighbours of b to those whose neighbour a is. */
static struct rows turn(const struct rows *of, uint32_t items_n)
{
    struct rows rows = {.start = mem_zero((size_t)items_n + 2, sizeof rows.start[0]),
                        .to = mem_zero(of->n, sizeof rows.to[0]),
                        .similarity = mem_zero(of->n, sizeof rows.similarity[0]),
                        .n = of->n};
    for (size_t i = 0; i < of->n; i++) rows.start[of->to[i] + 2]++;
    for (uint32_t a = 0; a < items_n; a++) rows.start[a + 2] += rows.start[a + 1];
    for (uint32_t b = 0; b < items_n; b++)
        for (uint64_t i = of->start[b]; i < of->start[b + 1]; i++) {
            uint64_t at = rows.start[of->to[i] + 1]++;
            rows.to[at] = b;
            rows.similarity[at] = of->similarity[i];
        }
    return rows;
}

static void rows_finish(struct rows *rows)
{
    free(rows->start);
    free(rows->to);
    free(rows->similarity);
}

static struct rows fill(const struct recipe *r)
{
    struct sequences sets = sequences_sets(r->log);
    struct sequences_places places = sequences_places(&sets);
    size_t max = (size_t)r->settings->itemknn.neighbours;
    struct best_found *found = mem_zero(max, sizeof found[0]);
    struct rows rows = {.start = mem_zero((size_t)sets.ids.n + 1, sizeof rows.start[0])};
    struct scores counts;
    scores_init(&counts, sets.ids.n);
    for (uint32_t b = 0; b < sets.ids.n; b++) {
        struct best best = {.at = found, .max = max};
        progress_tell(r->progress, "itemknn", b, sets.ids.n);
        count_row(&sets, &places, b, &counts);
        keep_nearest(&places, b, &counts, &best);
        append_row(&rows, b, &best);
        scores_clear(&counts);
    }
    scores_finish(&counts);
    free(found);
    sequences_places_finish(&places);
    sequences_finish(&sets);
    return rows;
}

struct model *itemknn_fit(const struct recipe *r, struct err *e)
{
    (void)e;
    struct rows neighbours = fill(r), rows = turn(&neighbours, r->log->ids.n);
    rows_finish(&neighbours);
    struct model *m = recipe_model(r, &itemknn_kind);
    recipe_array(m, (uint64_t)r->log->ids.n + 1, rows.start);
    recipe_array(m, rows.n, rows.to);
    recipe_array(m, rows.n, rows.similarity);
    manifest_json_add(&m->manifest.settings, "neighbours", (double)r->settings->itemknn.neighbours);
    manifest_json_add(&m->manifest.settings, "recent", (double)r->settings->itemknn.recent);
    manifest_json_add(&m->manifest.settings, "decay", r->settings->itemknn.decay);
    return m;
}
