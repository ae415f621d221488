/* The model "blend": the weighted sum of the z-scores of other models, its parts. Candidates are the
 * items that any part has reached; each part's scores are shifted and scaled to mean 0 and deviation 1
 * over them, user by user. fit/blend_fit.c finds the weights. */
#include "services/blend.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "services/model.h"

static const char *check(const struct model *m)
{
    (void)m;
    return NULL;
}

/* One for each part. */
struct work {
    struct scores scores;
    void *work; /* own */
};

static void *work_new(const struct model *m)
{
    struct work *w = mem_zero(m->parts_n, sizeof w[0]);
    for (size_t i = 0; i < m->parts_n; i++) {
        const struct model *part = m->parts[i].model;
        scores_init(&w[i].scores, part->ids.n);
        if (part->kind->work_new) w[i].work = part->kind->work_new(part);
    }
    return w;
}

static void work_free(const struct model *m, void *work)
{
    struct work *w = work;
    for (size_t i = 0; i < m->parts_n; i++) {
        const struct model *part = m->parts[i].model;
        scores_finish(&w[i].scores);
        if (part->kind->work_free) part->kind->work_free(part, w[i].work);
    }
    free(w);
}

struct blend_scale blend_scale(const struct scores *part, size_t candidates_n)
{
    double sum = 0, squares = 0, n = (double)candidates_n;
    for (size_t i = 0; i < part->reached_n; i++) sum += part->at[part->reached[i]];
    struct blend_scale s = {.mean = sum / n};
    for (size_t i = 0; i < part->reached_n; i++) {
        double off = part->at[part->reached[i]] - s.mean;
        squares += off * off;
    }
    squares += (double)(candidates_n - part->reached_n) * s.mean * s.mean;
    s.deviation = sqrt(squares / n);
    return s;
}

static void score(const struct model *m, void *work, const uint32_t *items, size_t items_n,
                  struct scores *out)
{
    struct work *w = work;
    for (size_t p = 0; p < m->parts_n; p++) {
        const struct model *part = m->parts[p].model;
        part->kind->score(part, w[p].work, items, items_n, &w[p].scores);
        for (size_t i = 0; i < w[p].scores.reached_n; i++)
            scores_reach(out, w[p].scores.reached[i]);
    }
    for (size_t p = 0; p < m->parts_n; p++) {
        struct blend_scale s = blend_scale(&w[p].scores, out->reached_n);
        for (size_t i = 0; i < out->reached_n; i++) {
            uint32_t item = out->reached[i];
            out->at[item] += m->parts[p].weight * blend_z(&w[p].scores, &s, item);
        }
        scores_clear(&w[p].scores);
    }
}

const struct kind blend_kind = {
    .name = "blend",
    .check = check,
    .work_new = work_new,
    .work_free = work_free,
    .score = score,
};
