/* Row by row: all users of a, and the items of each. n_ab is counted, never kept. */
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
                      uint32_t a, struct scores *counts)
{
    for (uint64_t i = places->start[a]; i < places->start[a + 1]; i++) {
        uint32_t user = sets->user[places->at[i]];
        for (uint64_t k = sets->start[user]; k < sets->start[user + 1]; k++)
            if (sets->item[k] != a) scores_add(counts, sets->item[k], 1);
    }
}

static double users_of(const struct sequences_places *places, uint32_t item)
{
    return (double)(places->start[item + 1] - places->start[item]);
}

static void keep_nearest(const struct sequences_places *places, uint32_t a,
                         const struct scores *counts, struct best *best)
{
    for (size_t i = 0; i < counts->reached_n; i++) {
        uint32_t b = counts->reached[i];
        double cosine = counts->at[b] / sqrt(users_of(places, a) * users_of(places, b));
        best_offer(best, (struct best_found){cosine, b});
    }
    best_sort(best);
}

static void append_row(struct rows *rows, uint32_t a, const struct best *best)
{
    for (size_t i = 0; i < best->n; i++) {
        rows->to = mem_grow(rows->to, rows->n, &rows->to_cap, sizeof rows->to[0]);
        rows->similarity =
            mem_grow(rows->similarity, rows->n, &rows->similarity_cap, sizeof rows->similarity[0]);
        rows->to[rows->n] = best->at[i].item;
        rows->similarity[rows->n++] = (float)best->at[i].score;
    }
    rows->start[a + 1] = rows->n;
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
    for (uint32_t a = 0; a < sets.ids.n; a++) {
        struct best best = {.at = found, .max = max};
        progress_tell(r->progress, "itemknn", a, sets.ids.n);
        count_row(&sets, &places, a, &counts);
        keep_nearest(&places, a, &counts, &best);
        append_row(&rows, a, &best);
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
    struct rows rows = fill(r);
    struct model *m = recipe_model(r, &itemknn_kind);
    recipe_array(m, (uint64_t)r->log->ids.n + 1, rows.start);
    recipe_array(m, rows.n, rows.to);
    recipe_array(m, rows.n, rows.similarity);
    manifest_json_add(&m->manifest.settings, "neighbours", (double)r->settings->itemknn.neighbours);
    manifest_json_add(&m->manifest.settings, "recent", (double)r->settings->itemknn.recent);
    manifest_json_add(&m->manifest.settings, "decay", r->settings->itemknn.decay);
    return m;
}
