/* The model "ease": a linear model from items to items, solved at once (Steck, "Embarrassingly Shallow
 * Autoencoders for Sparse Data", WWW 2019). fit/ease_fit.c finds the weights.
 *
 *     row_of u32[n]: an item's row and column, UINT32_MAX = it has none | weights f32[r*r], by row
 *
 * The user's different items that are known, newest first, are a_0, a_1 ... (the paper's all count alike; here each
 * counts less than the one after it):
 *
 *     score(b) = sum over k of recency^k * weights[a_k][b]
 *
 * for all items that have a column, as long as one of the a_k has a row. */
#include <stdlib.h>

#include "base/mem.h"
#include "services/model.h"

enum { ROW_OF, WEIGHTS, ARRAYS_N };
enum { RECENCY };

static uint32_t rows_n(const struct model *m)
{
    const uint32_t *row_of = array_file_u32(&m->data, ROW_OF);
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->ids.n; i++) n += row_of[i] != UINT32_MAX;
    return n;
}

/* Rows are numbered in the order of the items. */
static const char *check(const struct model *m)
{
    const struct array_file *d = &m->data;
    if (d->arrays[ROW_OF].n != m->ids.n) return "its sizes are wrong";
    const uint32_t *row_of = array_file_u32(d, ROW_OF);
    uint64_t n = 0;
    for (uint32_t i = 0; i < m->ids.n; i++)
        if (row_of[i] != UINT32_MAX && row_of[i] != n++) return "it holds a bad row";
    return n * n == d->arrays[WEIGHTS].n ? NULL : "its sizes are wrong";
}

struct work {
    uint32_t n;
    uint32_t *item_of; /* own; by column */
    float *sums;       /* own; by column */
};

static void *work_new(const struct model *m)
{
    const uint32_t *row_of = array_file_u32(&m->data, ROW_OF);
    struct work *w = mem_zero(1, sizeof *w);
    w->n = rows_n(m);
    w->item_of = mem_zero(w->n, sizeof w->item_of[0]);
    w->sums = mem_zero(w->n, sizeof w->sums[0]);
    for (uint32_t i = 0; i < m->ids.n; i++)
        if (row_of[i] != UINT32_MAX) w->item_of[row_of[i]] = i;
    return w;
}

static void work_free(const struct model *m, void *work)
{
    (void)m;
    struct work *w = work;
    free(w->item_of);
    free(w->sums);
    free(w);
}

static bool is_repeated(const uint32_t *items, size_t i, size_t n)
{
    for (size_t k = i + 1; k < n; k++)
        if (items[k] == items[i]) return true;
    return false;
}

static void add_row(struct work *w, const float *row, float weight)
{
    for (uint32_t k = 0; k < w->n; k++) w->sums[k] += weight * row[k];
}

/* Returns whether any item has a row. */
static bool add_rows(const struct model *m, struct work *w, const uint32_t *items, size_t items_n)
{
    const uint32_t *row_of = array_file_u32(&m->data, ROW_OF);
    const float *weights = array_file_f32(&m->data, WEIGHTS);
    double weight = 1;
    bool any = false;
    for (size_t i = items_n; i-- > 0;) {
        if (items[i] == IDS_UNKNOWN || is_repeated(items, i, items_n)) continue;
        uint32_t row = row_of[items[i]];
        if (row != UINT32_MAX) add_row(w, weights + (size_t)row * w->n, (float)weight);
        any = any || row != UINT32_MAX;
        weight *= m->parameters[RECENCY];
    }
    return any;
}

static void score(const struct model *m, void *work, const uint32_t *items, size_t items_n,
                  struct scores *out)
{
    struct work *w = work;
    if (!add_rows(m, w, items, items_n)) return;
    for (uint32_t k = 0; k < w->n; k++) {
        scores_add(out, w->item_of[k], (double)w->sums[k]);
        w->sums[k] = 0;
    }
}

const struct kind ease_kind = {
    .name = "ease",
    .types = {ARRAY_FILE_U32, ARRAY_FILE_F32},
    .arrays_n = ARRAYS_N,
    .parameters = {{"recency", 0, 1}},
    .check = check,
    .work_new = work_new,
    .work_free = work_free,
    .score = score,
};
