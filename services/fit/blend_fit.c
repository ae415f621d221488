/* Weights are found one by one (coordinate ascent): each in turn takes the value of a grid that ranks
 * the targets best, until none moves. Every case keeps the z-scores of the candidates that may come
 * first: the KEPT best of each part, and the target. */
#include "fit/blend_fit.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "fit/holdout.h"
#include "services/blend.h"

enum { PARTS_MAX = 8, KEPT = 300, ROUNDS_MAX = 20 };

static const double grid[] = {0,    0.05, 0.1,  0.15, 0.2,  0.25, 0.3,  0.35, 0.4,
                              0.45, 0.5,  0.55, 0.6,  0.65, 0.7,  0.75, 0.8,  0.85,
                              0.9,  0.95, 1,    1.25, 1.5,  2,    3};

struct part {
    char name[MODEL_NAME_BYTES];
    struct model *model;   /* own; fitted on the training part */
    struct ranker *ranker; /* own */
};

struct candidate {
    uint32_t item;
    float z[PARTS_MAX];
};

struct one {
    struct candidate *at; /* own; the target is at 0, if it is there */
    size_t n;
    bool has_target;
};

struct search {
    const struct recipe *recipe;
    struct holdout holdout;
    struct part parts[PARTS_MAX];
    size_t parts_n;
    struct one *cases; /* own; holdout.n of them */
};

/* -- the parts -- */

static const char *take_settings(const struct manifest_json *m, const struct kind *kind,
                                 struct settings *ret)
{
    const struct {
        const struct kind *kind;
        const char *name;
        int64_t *whole;
        double *real;
    } all[] = {{&itemknn_kind, "neighbours", &ret->itemknn.neighbours, NULL},
               {&itemknn_kind, "recent", &ret->itemknn.recent, NULL},
               {&itemknn_kind, "decay", NULL, &ret->itemknn.decay},
               {&vmisknn_kind, "sessions", &ret->vmisknn.sessions, NULL},
               {&vmisknn_kind, "neighbours", &ret->vmisknn.neighbours, NULL},
               {&vmisknn_kind, "recent", &ret->vmisknn.recent, NULL},
               {&vmisknn_kind, "near", NULL, &ret->vmisknn.near},
               {&ease_kind, "ridge", NULL, &ret->ease.ridge},
               {&ease_kind, "recency", NULL, &ret->ease.recency},
               {&ease_kind, "items", &ret->ease.items, NULL}};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        const double *value = manifest_json_number(&m->settings, all[i].name);
        if (all[i].kind != kind) continue;
        if (!value || *value < 0 || *value > 1e9) return "a setting is missing or out of range";
        if (all[i].real) *all[i].real = *value;
        if (all[i].whole) *all[i].whole = (int64_t)*value;
    }
    return NULL;
}

static bool fit_part(struct search *s, const char *root, const char *name, struct err *e)
{
    struct model *there = manifest_json_name(name) ? model_open(root, name, e) : NULL;
    if (!there) return err_refuse(e, "blend.parts: \"%.40s\" is no model's name", name);
    recipe_fit *fit = recipe_find(there->kind);
    struct settings settings = *s->recipe->settings;
    const char *wrong =
        fit ? take_settings(&there->manifest, there->kind, &settings) : "it is a blend itself";
    model_free(there);
    if (wrong) return err_refuse(e, "blend.parts: %s/%s: %s", root, name, wrong);
    struct part *part = &s->parts[s->parts_n];
    const struct recipe r = {&s->holdout.train, &settings, s->recipe->progress};
    snprintf(part->name, sizeof part->name, "%s", name);
    part->model = fit(&r, e);
    if (!part->model) return false;
    s->parts_n++;
    wrong = model_set(part->model);
    if (wrong) return err_refuse(e, "blend.parts: %s/%s: %s", root, name, wrong);
    part->ranker = ranker_new(part->model);
    return true;
}

static bool fit_parts(struct search *s, const char *root, struct err *e)
{
    struct str rest = str_of(s->recipe->settings->parts);
    while (rest.at) {
        struct str piece = str_trim(str_cut(&rest, ','));
        if (s->parts_n == PARTS_MAX)
            return err_refuse(e, "blend.parts: more than %d models", PARTS_MAX);
        char *name = mem_dup(piece.at, piece.len);
        bool good = fit_part(s, root, name, e);
        free(name);
        if (!good) return false;
    }
    return true;
}

/* -- the cases -- */

/* Everything that any part has reached. */
static void collect(struct search *s, const uint32_t *items, size_t n, struct scores *all,
                    const struct scores *of[PARTS_MAX])
{
    for (size_t p = 0; p < s->parts_n; p++) {
        of[p] = ranker_scores(s->parts[p].ranker, items, n);
        for (size_t i = 0; i < of[p]->reached_n; i++) scores_reach(all, of[p]->reached[i]);
    }
}

/* Marks (score 1) the target and the best of a part, but for what is masked. */
static void mark_best(const struct search *s, const uint32_t *items, size_t n,
                      const struct scores *part, struct scores *all)
{
    struct best_found found[KEPT];
    struct best best = {.at = found, .max = KEPT};
    for (size_t i = 0; i < part->reached_n; i++)
        best_offer(&best, (struct best_found){part->at[part->reached[i]], part->reached[i]});
    for (size_t i = 0; i < best.n; i++)
        if (!holdout_masked(&s->holdout, items, n, found[i].item)) all->at[found[i].item] = 1;
}

static void keep_marked(const struct search *s, struct one *one, uint32_t target,
                        const struct scores *all, const struct scores *of[PARTS_MAX])
{
    struct blend_scale scales[PARTS_MAX];
    for (size_t p = 0; p < s->parts_n; p++) scales[p] = blend_scale(of[p], all->reached_n);
    one->at = mem_zero(s->parts_n * KEPT + 1, sizeof one->at[0]);
    one->has_target = all->is_reached[target];
    one->n = one->has_target; /* its place */
    for (size_t i = 0; i < all->reached_n; i++) {
        uint32_t item = all->reached[i];
        if (item != target && all->at[item] == 0) continue;
        struct candidate *c = item == target ? &one->at[0] : &one->at[one->n++];
        c->item = item;
        for (size_t p = 0; p < s->parts_n; p++) c->z[p] = (float)blend_z(of[p], &scales[p], item);
    }
}

static void fill_cases(struct search *s)
{
    struct scores all;
    uint32_t items[RANKER_ITEMS_MAX];
    const struct scores *of[PARTS_MAX];
    const struct holdout *h = &s->holdout;
    scores_init(&all, h->log->ids.n);
    s->cases = mem_zero(h->n, sizeof s->cases[0]);
    for (size_t i = 0; i < h->n; i++) {
        progress_tell(s->recipe->progress, "blend", i, h->n);
        size_t n = holdout_items(h, i, items);
        collect(s, items, n, &all, of);
        for (size_t p = 0; p < s->parts_n; p++) mark_best(s, items, n, of[p], &all);
        keep_marked(s, &s->cases[i], h->log->item[h->targets[i]], &all, of);
        scores_clear(&all);
    }
    scores_finish(&all);
}

/* -- the weights -- */

static double mix(const struct candidate *c, const double *weights, size_t n)
{
    double sum = 0;
    for (size_t p = 0; p < n; p++) sum += weights[p] * (double)c->z[p];
    return sum;
}

static size_t rank_of(const struct search *s, const struct one *one, const double *weights)
{
    if (!one->has_target) return 0;
    const struct best_found target = {mix(&one->at[0], weights, s->parts_n), one->at[0].item};
    size_t rank = 1;
    for (size_t i = 1; i < one->n; i++) {
        const struct best_found other = {mix(&one->at[i], weights, s->parts_n), one->at[i].item};
        rank += best_worse(&target, &other);
    }
    return rank;
}

static struct holdout_measure measure(const struct search *s, const double *weights)
{
    struct holdout_measure m = {0};
    for (size_t i = 0; i < s->holdout.n; i++) holdout_count(&m, rank_of(s, &s->cases[i], weights));
    return m;
}

/* Returns whether a weight has moved. */
static bool improve(const struct search *s, double *weights, size_t p, double *best)
{
    double was = weights[p], chosen = was;
    for (size_t i = 0; i < COUNT_OF(grid); i++) {
        weights[p] = grid[i];
        double gain = measure(s, weights).gain;
        if (gain <= *best) continue;
        *best = gain;
        chosen = grid[i];
    }
    weights[p] = chosen;
    return chosen != was;
}

/* From the best part alone. */
static void begin(const struct search *s, double *weights, double *ret_best)
{
    size_t chosen = 0;
    *ret_best = -1;
    for (size_t p = 0; p < s->parts_n; p++) {
        double alone[PARTS_MAX] = {0};
        alone[p] = 1;
        struct holdout_measure m = measure(s, alone);
        log_info("weir-fit", "part", "name=%s ndcg@10=%.4f", s->parts[p].name,
                 m.gain / (double)m.n);
        if (m.gain <= *ret_best) continue;
        *ret_best = m.gain;
        chosen = p;
    }
    weights[chosen] = 1;
}

static void find_weights(const struct search *s, double *weights)
{
    double best;
    begin(s, weights, &best);
    bool moved = true;
    for (int round = 0; moved && round < ROUNDS_MAX; round++) {
        progress_tell(s->recipe->progress, "weights", (uint64_t)round, ROUNDS_MAX);
        moved = false;
        for (size_t p = 0; p < s->parts_n; p++) moved |= improve(s, weights, p, &best);
    }
}

/* Parts without a weight are left out. */
static struct model *make(const struct search *s)
{
    double weights[PARTS_MAX] = {0};
    find_weights(s, weights);
    struct model *m = recipe_model(s->recipe, &blend_kind);
    for (size_t p = 0; p < s->parts_n; p++)
        if (weights[p] > 0) manifest_json_add(&m->manifest.parts, s->parts[p].name, weights[p]);
    struct holdout_measure measured = measure(s, weights);
    holdout_report(&measured, &m->manifest.validation);
    return m;
}

static void search_finish(struct search *s)
{
    for (size_t i = 0; s->cases && i < s->holdout.n; i++) free(s->cases[i].at);
    free(s->cases);
    for (size_t p = 0; p < s->parts_n; p++) {
        ranker_free(s->parts[p].ranker);
        model_free(s->parts[p].model);
    }
    holdout_finish(&s->holdout);
}

struct model *blend_fit(const struct recipe *r, const char *root, struct err *e)
{
    struct search s = {.recipe = r,
                       .holdout = holdout_of(r->log, (enum settings_split)r->settings->split)};
    struct model *m = NULL;
    if (s.holdout.n == 0) {
        err_refuse(e, "blend: no user has enough rows to choose weights by");
    } else if (fit_parts(&s, root, e)) {
        fill_cases(&s);
        m = make(&s);
    }
    search_finish(&s);
    return m;
}
