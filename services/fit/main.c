#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "fit/blend_fit.h"
#include "fit/holdout.h"
#include "fit/input.h"

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
                                             {"parts", "blend.parts"},
                                             {"ease-items", "ease.items"},
                                             {0}};

/* root/name of the model to write; own. */
struct place {
    char *root, *name;
};

static struct place place_of(const char *out, const struct kind *kind)
{
    const char *slash = strrchr(out, '/');
    if (!out[0])
        return (struct place){mem_dup("models", 6), mem_dup(kind->name, strlen(kind->name))};
    const char *name = slash ? slash + 1 : out;
    char *root = !slash ? mem_dup(".", 1) : mem_dup(out, slash == out ? 1 : (size_t)(slash - out));
    return (struct place){root, mem_dup(name, strlen(name))};
}

/* 20171203155959: the time of the newest row. */
static void newest(const struct sequences *log, char text[16])
{
    int64_t newest_ms = INT64_MIN;
    for (uint64_t i = 0; i < sequences_n(log); i++)
        if (log->time_ms[i] > newest_ms) newest_ms = log->time_ms[i];
    time_t s = (time_t)(newest_ms / 1000);
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
    newest(r->log, text);
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

static bool fit(const struct conf *conf, const struct kind *kind, const struct place *to,
                const char *path, struct err *e)
{
    struct progress progress = {0};
    struct sequences_pool *pool = sequences_pool_new();
    bool good = path ? input_file(pool, &conf->record, path, &progress, e)
                     : input_mongo(pool, &conf->mongo, &progress, e);
    if (good) {
        struct sequences log = sequences_of(pool);
        const struct recipe r = {&log, &conf->settings, &progress};
        good = write_model(&r, kind, to, e);
        sequences_finish(&log);
    }
    sequences_pool_free(pool);
    return good;
}

/* The kind and the log that the arguments name; NULL log = the archive. */
static const struct kind *arguments(const struct conf *conf, char **argv, int n,
                                    const char **ret_path, struct err *e)
{
    bool archive = conf->settings.from_mongodb;
    const struct kind *kind = n > 0 ? model_kind(argv[0]) : NULL;
    if (!kind)
        err_refuse(e,
                   "want KIND: popular, transitions, itemknn, vmisknn, ease or blend (try --help)");
    else if (n != (archive ? 1 : 2))
        err_refuse(e, "want KIND and one LOG: a file, plain or .gz, or -; or KIND --from-mongodb");
    *ret_path = archive ? NULL : argv[1];
    return kind;
}

int main(int argc, char **argv)
{
    struct conf conf = {0};
    struct err e = {0};
    const char *path;
    const struct config_part parts[] = {{settings_rows, &conf.settings},
                                        {decode_rows, &conf.record},
                                        {client_mongo_rows, &conf.mongo},
                                        {0}};
    const struct options_spec spec = {
        .name = "weir-fit",
        .purpose = "learns a model of weir-infer from a log, or from MongoDB's events: popular, "
                   "transitions, itemknn, vmisknn, ease, blend",
        .arguments = "KIND [LOG]",
        .rows = options,
        .parts = parts,
    };
    int first = options_read(&spec, argc, argv);
    const struct kind *kind = arguments(&conf, argv + first, argc - first, &path, &e);
    if (e.status) options_fail(spec.name, &e);
    struct place to = place_of(conf.settings.out, kind);
    if (!manifest_json_name(to.name))
        err_refuse(&e, "fit.out: a model's name has 1 to 32 letters, digits, _ and -, not \"%s\"",
                   to.name);
    if (e.status || !fit(&conf, kind, &to, path, &e)) options_fail(spec.name, &e);
    free(to.root);
    free(to.name);
    config_free(parts);
    return 0;
}
