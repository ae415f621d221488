#include "fit/evaluation.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "fit/holdout.h"
#include "fit/place.h"

enum { STAMP_DIGITS = 14, RANKED = 20 };

/* -- what a model has learned from -- */

/* The end of the second that its version begins with: 20171203155959. False = it tells no time. */
static bool learned_ms(const struct model *m, int64_t *ret_ms)
{
    char text[STAMP_DIGITS + 1];
    struct tm utc = {0};
    memcpy(text, m->manifest.version, STAMP_DIGITS);
    text[STAMP_DIGITS] = '\0';
    const char *end =
        strspn(text, "0123456789") == STAMP_DIGITS ? strptime(text, "%Y%m%d%H%M%S", &utc) : NULL;
    if (!end || *end) return false;
    *ret_ms = ((int64_t)timegm(&utc) + 1) * 1000;
    return true;
}

/* Moves *since behind all that a model and its parts have learned from. */
static bool move_since(const struct model *m, int64_t *since_ms)
{
    int64_t own_ms;
    if (!learned_ms(m, &own_ms)) return false;
    if (own_ms > *since_ms) *since_ms = own_ms;
    for (size_t i = 0; i < m->parts_n; i++)
        if (!move_since(m->parts[i].model, since_ms)) return false;
    return true;
}

static struct model *open_model(const char *path, int64_t *since_ms, struct err *e)
{
    struct place at = place_of(path);
    struct model *m = manifest_json_name(at.name) ? model_open(at.root, at.name, e) : NULL;
    if (!m) err_refuse(e, "%s: no model's name", path);
    place_finish(&at);
    if (!m || move_since(m, since_ms)) return m;
    err_refuse(e, "%s: its version does not say until when it has learned", path);
    model_free(m);
    return NULL;
}

/* -- questions and answers: by name, as each model has its own numbers -- */

static size_t rank_in(const struct model *m, const struct best_found *found, size_t n,
                      struct str target)
{
    uint32_t item = ids_find(&m->ids, target);
    for (size_t i = 0; i < n; i++)
        if (found[i].item == item) return i + 1;
    return 0;
}

static struct holdout_measure measure(const struct holdout *h, const struct model *m)
{
    uint32_t items[RANKER_ITEMS_MAX];
    struct str names[RANKER_ITEMS_MAX];
    struct best_found found[RANKER_N_MAX];
    struct holdout_measure measured = {0};
    struct ranker *r = ranker_new(m);
    for (size_t i = 0; i < h->n; i++) {
        size_t n = holdout_items(h, i, items);
        for (size_t k = 0; k < n; k++) names[k] = ids_at(&h->log->ids, items[k]);
        const struct ranker_ask ask = {.items = names, .items_n = n, .n = RANKED};
        size_t found_n = ranker_rank(r, &ask, found, NULL);
        struct str target = ids_at(&h->log->ids, h->log->item[h->targets[i]]);
        holdout_count(&measured, rank_in(m, found, found_n, target));
    }
    ranker_free(r);
    return measured;
}

static void print(const char *path, const struct model *m, int64_t since_ms,
                  const struct holdout_measure *measured)
{
    char since[CLOCK_TEXT_BYTES];
    double n = measured->n ? (double)measured->n : 1;
    printf("model=%s version=%s since=%s cases=%zu hr@10=%.4f mrr@20=%.4f ndcg@10=%.4f\n", path,
           m->version, clock_text(since_ms, since), measured->n, measured->hits / n,
           measured->reciprocal / n, measured->gain / n);
}

bool evaluation_print(const struct sequences *log, char *const *paths, size_t n, struct err *e)
{
    assert(n <= EVALUATION_MODELS_MAX);
    struct model *models[EVALUATION_MODELS_MAX] = {0};
    int64_t since_ms = INT64_MIN;
    bool good = true;
    for (size_t i = 0; good && i < n; i++)
        good = (models[i] = open_model(paths[i], &since_ms, e)) != NULL;
    struct holdout h = good ? holdout_since(log, since_ms) : (struct holdout){0};
    for (size_t i = 0; good && i < n; i++) {
        const struct holdout_measure measured = measure(&h, models[i]);
        print(paths[i], models[i], since_ms, &measured);
    }
    holdout_finish(&h);
    for (size_t i = 0; i < n; i++) model_free(models[i]);
    return good;
}
