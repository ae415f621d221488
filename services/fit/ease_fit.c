/* With X the users' sets of items and G = X'X + ridge I, P the inverse of G: weights[a][b] = -P[a][b]
 * / P[b][b], and 0 where a = b (Steck 2019, eq. 8). */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "fit/recipe.h"
#include "fit/solve_lapack.h"
#include "services/best.h"

enum { ITEMS_MAX = 10000 }; /* 400 MB of the matrix are touched, 400 MB are weights; minutes */

/* The row of each item, UINT32_MAX = none: all items, or the n most popular. */
static uint32_t *choose_rows(const struct sequences_places *places, uint32_t items_n, uint32_t n)
{
    struct best best = {.at = mem_zero(n, sizeof best.at[0]), .max = n};
    for (uint32_t i = 0; i < items_n; i++)
        best_offer(&best,
                   (struct best_found){(double)(places->start[i + 1] - places->start[i]), i});
    uint32_t *row_of = mem_zero(items_n, sizeof row_of[0]), rows = 0;
    for (size_t i = 0; i < best.n; i++) row_of[best.at[i].item] = 1;
    for (uint32_t i = 0; i < items_n; i++) row_of[i] = row_of[i] ? rows++ : UINT32_MAX;
    free(best.at);
    return row_of;
}

/* Adds the lower triangle of one user's part of X'X: his items ascend, and so do their rows. */
static void add_user(const struct sequences *sets, uint32_t user, const uint32_t *row_of,
                     double *matrix, size_t n)
{
    for (uint64_t i = sets->start[user]; i < sets->start[user + 1]; i++) {
        size_t row = row_of[sets->item[i]];
        for (uint64_t k = sets->start[user]; k <= i && row < n; k++) {
            size_t column = row_of[sets->item[k]];
            if (column < n) matrix[row * n + column] += 1;
        }
    }
}

static double *gram(const struct recipe *r, const struct sequences *sets, const uint32_t *row_of,
                    size_t n)
{
    double *matrix = mem_zero(n * n, sizeof matrix[0]);
    for (uint32_t u = 0; u < sets->users_n; u++) {
        progress_tell(r->progress, "ease", u, sets->users_n);
        add_user(sets, u, row_of, matrix, n);
    }
    for (size_t i = 0; i < n; i++) matrix[i * n + i] += r->settings->ease.ridge;
    return matrix;
}

static float *weights_of(const double *inverse, size_t n)
{
    float *weights = mem_zero(n * n, sizeof weights[0]);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) {
            double p = a > b ? inverse[a * n + b] : inverse[b * n + a];
            if (a != b) weights[a * n + b] = (float)(-p / inverse[b * n + b]);
        }
    return weights;
}

static struct model *solve(const struct recipe *r, const struct sequences *sets,
                           uint32_t *row_of_take, size_t n, struct err *e)
{
    double *matrix = gram(r, sets, row_of_take, n);
    struct model *m = NULL;
    log_info("weir-fit", "solve", "items=%zu", n);
    if (solve_lapack_invert(matrix, (int)n, e)) {
        m = recipe_model(r, &ease_kind);
        recipe_array(m, sets->ids.n, row_of_take);
        recipe_array(m, n * n, weights_of(matrix, n));
        manifest_json_add(&m->manifest.settings, "ridge", r->settings->ease.ridge);
        manifest_json_add(&m->manifest.settings, "recency", r->settings->ease.recency);
        manifest_json_add(&m->manifest.settings, "items", (double)n);
    } else {
        free(row_of_take);
    }
    free(matrix);
    return m;
}

/* How many items get rows; 0 with e set = too many. */
static uint32_t rows_n(const struct recipe *r, struct err *e)
{
    uint32_t n = r->log->ids.n, asked = (uint32_t)r->settings->ease.items;
    if (asked && asked < n) {
        log_info("weir-fit", "ease", "items=%u kept=%u text=\"the most popular items\"", n, asked);
        return asked;
    }
    if (n <= ITEMS_MAX) return n;
    err_refuse(
        e, "ease: %u items, and it takes %d at most: keep the most popular ones by --ease-items", n,
        ITEMS_MAX);
    return 0;
}

struct model *ease_fit(const struct recipe *r, struct err *e)
{
    uint32_t n = rows_n(r, e);
    if (n == 0) return NULL;
    struct sequences sets = sequences_sets(r->log);
    struct sequences_places places = sequences_places(&sets);
    struct model *m = solve(r, &sets, choose_rows(&places, sets.ids.n, n), n, e);
    sequences_places_finish(&places);
    sequences_finish(&sets);
    return m;
}
