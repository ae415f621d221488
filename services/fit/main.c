#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "fit/blend_fit.h"
#include "fit/ddpg_fit.h"
#include "fit/evaluation.h"
#include "fit/holdout.h"
#include "fit/input.h"
#include "fit/place.h"

struct conf {
    struct settings settings;
    struct decode_conf record;
    struct client_mongo_conf mongo;
};

static const struct options_row options[] = {{"out", "fit.out"},
                                             {"from-mongodb", "fit.from_mongodb"},
                                             {"columns", "record.columns"},
                                             {"time-unit", "record.time_unit"},
                                             {"split", "fit.split"},
                                             {"hold-back", "fit.hold_back"},
                                             {"parts", "blend.parts"},
                                             {"ease-items", "ease.items"},
                                             {0}};

/* What the arguments ask for. */
struct job {
    const struct kind *kind; /* NULL = evaluate models */
    const char *path;        /* of the log; NULL = the archive */
    char **models;           /* models_n paths to evaluate */
    size_t models_n;
};

static int64_t newest_ms(const struct sequences *log)
{
    int64_t newest_ms = INT64_MIN;
    for (uint64_t i = 0; i < sequences_n(log); i++)
        if (log->time_ms[i] > newest_ms) newest_ms = log->time_ms[i];
    return newest_ms;
}

/* 20171203155959 */
static void time_text(int64_t time_ms, char text[16])
{
    time_t s = (time_t)(time_ms / 1000);
    struct tm utc;
    gmtime_r(&s, &utc);
    strftime(text, 16, "%Y%m%d%H%M%S", &utc);
}

static bool validate(const struct recipe *r, recipe_fit *fit, struct manifest_json_numbers *to,
                     struct err *e)
{
    struct holdout h = holdout_of(r->log, (enum settings_split)r->settings->split);
    const struct recipe on_train = {&h.train, r->settings, r->progress};
    struct model *m = h.n ? fit(&on_train, e) : NULL;
    const char *wrong = m ? model_set(m) : NULL;
    if (wrong) err_refuse(e, "%s", wrong);
    if (m && !wrong) {
        struct holdout_measure measured = holdout_measure(&h, m);
        holdout_report(&measured, to);
    }
    model_free(m);
    holdout_finish(&h);
    return e->status == ERR_NONE;
}

static struct model *fit_model(const struct recipe *r, const struct kind *kind, const char *root,
                               struct err *e)
{
    recipe_fit *fit = recipe_find(kind);
    struct manifest_json_numbers validation = {0};
    if (!fit) return blend_fit(r, root, e);
    if (r->settings->validate && !validate(r, fit, &validation, e)) return NULL;
    struct model *m = fit(r, e);
    if (m) m->manifest.validation = validation;
    return m;
}

static bool write_model(const struct recipe *r, const struct kind *kind, const struct place *to,
                        struct err *e)
{
    char text[16];
    time_text(newest_ms(r->log), text);
    struct model *m = fit_model(r, kind, to->root, e);
    bool good = m && model_write(m, to->root, to->name, text, e);
    if (good) {
        const double *ndcg = manifest_json_number(&m->manifest.validation, "ndcg@10");
        log_info("weir-fit", "written",
                 "model=\"%s/%s\" kind=%s version=%s users=%u items=%u rows=%llu ndcg@10=%.4f",
                 to->root, to->name, kind->name, m->manifest.version, r->log->users_n,
                 r->log->ids.n, (unsigned long long)sequences_n(r->log), ndcg ? *ndcg : 0.0);
    }
    model_free(m);
    return good;
}

/* The rows that are old enough. */
static struct sequences begin_of(const struct sequences *log, int64_t hold_back_ms)
{
    int64_t end_ms = newest_ms(log) - hold_back_ms;
    bool *keep = mem_zero(sequences_n(log), sizeof(bool));
    for (uint64_t i = 0; i < sequences_n(log); i++) keep[i] = log->time_ms[i] < end_ms;
    struct sequences kept = sequences_keep(log, keep);
    free(keep);
    return kept;
}

/* Own, even if it is refused. */
static struct place place_out(const struct conf *conf, const struct kind *kind, struct err *e)
{
    const char *out = conf->settings.out;
    char *path = out[0] ? mem_dup(out, strlen(out)) : mem_printf("models/%s", kind->name);
    struct place to = place_of(path);
    if (!manifest_json_name(to.name))
        err_refuse(e, "fit.out: a model's name has 1 to 32 letters, digits, _ and -, not \"%s\"",
                   to.name);
    free(path);
    return to;
}

static bool learn(const struct conf *conf, const struct kind *kind, const struct sequences *log,
                  struct progress *progress, struct err *e)
{
    const struct recipe r = {log, &conf->settings, progress};
    struct place to = place_out(conf, kind, e);
    bool good = !e->status && write_model(&r, kind, &to, e);
    place_finish(&to);
    return good;
}

/* A kind that is trained elsewhere. */
static bool take_weights(const struct conf *conf, const char *directory, struct err *e)
{
    char text[16];
    int64_t time_ms;
    struct place to = place_out(conf, &ddpg_kind, e);
    struct model *m = e->status ? NULL : ddpg_fit(directory, &time_ms, e);
    if (m) time_text(time_ms, text);
    bool good = m && model_write(m, to.root, to.name, text, e);
    if (good)
        log_info("weir-fit", "written", "model=\"%s/%s\" kind=ddpg version=%s items=%u", to.root,
                 to.name, m->manifest.version, m->ids.n);
    model_free(m);
    place_finish(&to);
    return good;
}

static bool fit(const struct conf *conf, const struct kind *kind, const struct sequences *log,
                struct progress *progress, struct err *e)
{
    int64_t hold_back_ms = conf->settings.hold_back_ms;
    if (hold_back_ms == 0) return learn(conf, kind, log, progress, e);
    struct sequences begin = begin_of(log, hold_back_ms);
    bool good = sequences_n(&begin) > 0 ? learn(conf, kind, &begin, progress, e)
                                        : err_refuse(e, "fit.hold_back: the log is no longer "
                                                        "than that, and nothing is left");
    sequences_finish(&begin);
    return good;
}

static bool run(const struct conf *conf, const struct job *job, struct err *e)
{
    if (job->kind == &ddpg_kind) return take_weights(conf, job->path, e);
    struct progress progress = {0};
    struct sequences_pool *pool = sequences_pool_new();
    bool good = job->path ? input_file(pool, &conf->record, job->path, &progress, e)
                          : input_mongo(pool, &conf->mongo, &progress, e);
    if (good) {
        struct sequences log = sequences_of(pool);
        good = job->kind ? fit(conf, job->kind, &log, &progress, e)
                         : evaluation_print(&log, job->models, job->models_n, e);
        sequences_finish(&log);
    }
    sequences_pool_free(pool);
    return good;
}

static struct job arguments(const struct conf *conf, char **argv, int n, struct err *e)
{
    bool evaluates = n > 0 && strcmp(argv[0], "evaluate") == 0;
    struct job job = {.kind = n > 0 ? model_kind(argv[0]) : NULL};
    bool archive = conf->settings.from_mongodb && job.kind != &ddpg_kind;
    int before = archive ? 1 : 2; /* the word, and perhaps the LOG */
    if (!job.kind && !evaluates)
        err_refuse(e, "want KIND: popular, transitions, itemknn, vmisknn, ease, blend or ddpg; or "
                      "evaluate (try --help)");
    else if (job.kind && n != before)
        err_refuse(e, "want KIND and one LOG: a file, plain or .gz, or -; or KIND --from-mongodb; "
                      "or ddpg and the directory of its weights");
    else if (evaluates && (n <= before || n > before + EVALUATION_MODELS_MAX))
        err_refuse(e,
                   "want evaluate, LOG and 1 to %d models; or evaluate --from-mongodb and models",
                   EVALUATION_MODELS_MAX);
    if (e->status) return job;
    job.path = before == 2 ? argv[1] : NULL;
    job.models = argv + before;
    job.models_n = (size_t)(n - before);
    return job;
}

int main(int argc, char **argv)
{
    struct conf conf = {0};
    struct err e = {0};
    const struct config_part parts[] = {{settings_rows, &conf.settings},
                                        {decode_rows, &conf.record},
                                        {client_mongo_rows, &conf.mongo},
                                        {0}};
    const struct options_spec spec = {
        .name = "weir-fit",
        .purpose =
            "learns a model of weir-infer from a log, or from MongoDB's events: popular, "
            "transitions, itemknn, vmisknn, ease, blend; makes one of a trained network's weights: "
            "ddpg DIRECTORY; evaluate: asks models about newer rows "
            "than they have learned from",
        .arguments = "KIND [LOG] | evaluate [LOG] MODEL...",
        .rows = options,
        .parts = parts,
    };
    int first = options_read(&spec, argc, argv);
    const struct job job = arguments(&conf, argv + first, argc - first, &e);
    if (e.status || !run(&conf, &job, &e)) options_fail(spec.name, &e);
    config_free(parts);
    return 0;
}
