/* The model "itemknn": items that the same users had (Sarwar et al., "Item-Based Collaborative
 * Filtering", WWW 2001). The similarity of two items is the cosine of their sets of users, n_ab /
 * sqrt(n_a n_b); an item b listens to its nearest neighbours N(b) alone. Row a is all items b with a in
 * N(b), ascending:
 *
 *     row_start u64[n+1] | to u32[e] | similarity f32[e]
 *
 *     score(b) = sum over the last `recent` items a_k, newest first, in N(b): decay^k * similarity(a_k, b) */
#include "services/model.h"

enum { ROW_START, TO, SIMILARITY, ARRAYS_N };
enum { RECENT, DECAY };

static const char *check(const struct model *m)
{
    const struct array_file *d = &m->data;
    if (d->arrays[SIMILARITY].n != d->arrays[TO].n) return "its sizes are wrong";
    if (!array_file_rows(d, ROW_START, m->ids.n, TO)) return "its rows are out of order";
    return array_file_below(d, TO, m->ids.n) ? NULL : "it holds a bad row";
}

static void add_row(const struct model *m, uint32_t a, double weight, struct scores *out)
{
    const uint64_t *start = array_file_u64(&m->data, ROW_START);
    const uint32_t *to = array_file_u32(&m->data, TO);
    const float *similarity = array_file_f32(&m->data, SIMILARITY);
    for (uint64_t i = start[a]; i < start[a + 1]; i++)
        scores_add(out, to[i], weight * (double)similarity[i]);
}

static void score(const struct model *m, void *work, const uint32_t *items, size_t items_n,
                  struct scores *out)
{
    (void)work;
    double weight = 1;
    for (size_t k = 0; k < (size_t)m->parameters[RECENT] && k < items_n; k++) {
        uint32_t a = items[items_n - 1 - k];
        if (a != IDS_UNKNOWN) add_row(m, a, weight, out);
        weight *= m->parameters[DECAY];
    }
}

const struct kind itemknn_kind = {
    .name = "itemknn",
    .types = {ARRAY_FILE_U64, ARRAY_FILE_U32, ARRAY_FILE_F32},
    .arrays_n = ARRAYS_N,
    .parameters = {{"recent", 1, 200}, {"decay", 0, 1}},
    .check = check,
    .score = score,
};
