#include "infer/registry.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_bytes.h"
#include "base/log.h"
#include "base/mem.h"

struct registry {
    char *root;                                   /* own */
    pthread_mutex_t lock;                         /* of the entries */
    pthread_mutex_t load;                         /* one loads at a time */
    struct registry_entry *entries[REGISTRY_MAX]; /* own */
    size_t n;
    struct metrics *metrics; /* ref in caller */
    struct metric *loads[2];
};

/* -- entries -- */

static void entry_free(struct registry_entry *entry)
{
    for (size_t i = 0; i < entry->idle_n; i++) ranker_free(entry->idle[i]);
    model_free(entry->model);
    free(entry);
}

/* The place of a name; r->n = it has none. */
static size_t place_of(const struct registry *r, const char *name)
{
    size_t i = 0;
    while (i < r->n && strcmp(r->entries[i]->name, name) != 0) i++;
    return i;
}

struct registry_entry *registry_take(struct registry *r, const char *name)
{
    pthread_mutex_lock(&r->lock);
    size_t i = place_of(r, name);
    struct registry_entry *entry = i < r->n ? r->entries[i] : NULL;
    if (entry) entry->refs++;
    pthread_mutex_unlock(&r->lock);
    return entry;
}

void registry_return(struct registry *r, struct registry_entry *entry)
{
    pthread_mutex_lock(&r->lock);
    bool last = --entry->refs == 0;
    pthread_mutex_unlock(&r->lock);
    if (last) entry_free(entry);
}

struct ranker *registry_ranker(struct registry *r, struct registry_entry *entry)
{
    pthread_mutex_lock(&r->lock);
    struct ranker *ranker = entry->idle_n ? entry->idle[--entry->idle_n] : NULL;
    pthread_mutex_unlock(&r->lock);
    return ranker ? ranker : ranker_new(entry->model);
}

void registry_ranker_return(struct registry *r, struct registry_entry *entry, struct ranker *ranker)
{
    pthread_mutex_lock(&r->lock);
    bool kept = entry->idle_n < COUNT_OF(entry->idle);
    if (kept) entry->idle[entry->idle_n++] = ranker;
    pthread_mutex_unlock(&r->lock);
    if (!kept) ranker_free(ranker);
}

/* -- loading -- */

static struct registry_entry *entry_new(const struct registry *r, const char *name, struct err *e)
{
    struct model *m = model_open(r->root, name, e);
    const char *wrong = m ? ranker_try(m) : NULL;
    if (wrong)
        err_refuse(e, "%s/%s: not used: %s; make a new one with weir-fit", r->root, name, wrong);
    if (!m || wrong) {
        model_free(m);
        return NULL;
    }
    struct registry_entry *entry = mem_zero(1, sizeof *entry);
    *entry = (struct registry_entry){.model = m, .loaded_ms = clock_wall_ms(), .refs = 1};
    snprintf(entry->name, sizeof entry->name, "%s", name);
    return entry;
}

/* Puts it in the place of its name; false = there is no more room, and it is gone. */
static bool swap(struct registry *r, struct registry_entry *entry)
{
    pthread_mutex_lock(&r->lock);
    size_t i = place_of(r, entry->name);
    struct registry_entry *old = i < r->n ? r->entries[i] : NULL;
    bool room = i < REGISTRY_MAX;
    if (room) r->entries[i] = entry;
    if (room && !old) r->n++;
    pthread_mutex_unlock(&r->lock);
    if (old) registry_return(r, old);
    if (!room) entry_free(entry);
    return room;
}

static void show(struct registry *r, const struct registry_entry *entry)
{
    char label[MODEL_NAME_BYTES + 16];
    snprintf(label, sizeof label, "model=\"%s\"", entry->name);
    metrics_set(metrics_gauge(r->metrics, "infer_model_items", label, "items of the model"),
                entry->model->ids.n);
    log_info("weir-infer", "loaded", "model=%s kind=%s version=%s items=%u", entry->name,
             entry->model->kind->name, entry->model->version, entry->model->ids.n);
}

static bool load_one(struct registry *r, const char *name, struct err *e)
{
    struct err why = {0};
    struct registry_entry *entry = manifest_json_name(name) ? entry_new(r, name, &why) : NULL;
    if (!entry && !why.status) err_refuse(&why, "\"%.40s\" is no model's name", name);
    if (entry) show(r, entry);
    if (entry && !swap(r, entry)) err_refuse(&why, "more than %d models", REGISTRY_MAX);
    metrics_add(r->loads[why.status == ERR_NONE], 1);
    if (!why.status) return true;
    log_error("weir-infer", "refused", "model=%s error=\"%s\"", name, why.text);
    return err_refuse(e, "%s", why.text);
}

static bool has_part(const struct model *m, const char *name)
{
    return manifest_json_number(&m->manifest.parts, name) != NULL;
}

/* Only who holds `load` changes the entries: they can be read. */
static void load_blends_of(struct registry *r, const char *name)
{
    struct err ignored = {0}; /* logged */
    for (size_t i = 0; i < r->n; i++)
        if (has_part(r->entries[i]->model, name)) (void)!load_one(r, r->entries[i]->name, &ignored);
}

bool registry_load(struct registry *r, const char *name, struct err *e)
{
    pthread_mutex_lock(&r->load);
    bool good = load_one(r, name, e);
    if (good) load_blends_of(r, name);
    pthread_mutex_unlock(&r->load);
    return good;
}

static bool has_manifest(const char *root, const char *name)
{
    char *path = mem_printf("%s/%s/manifest.json", root, name);
    FILE *f = fopen(path, "re");
    free(path);
    if (f) fclose(f);
    return f != NULL;
}

static void load_all(struct registry *r, struct err *e)
{
    DIR *list = opendir(r->root);
    if (!list) {
        err_refuse(e, "infer.models: %s cannot be read: %s; make models with weir-fit", r->root,
                   strerror(errno));
        return;
    }
    for (const struct dirent *d; (d = readdir(list));)
        if (manifest_json_name(d->d_name) && has_manifest(r->root, d->d_name))
            (void)!load_one(r, d->d_name, e);
    closedir(list);
}

void registry_load_all(struct registry *r)
{
    struct err e = {0};
    pthread_mutex_lock(&r->load);
    load_all(r, &e);
    pthread_mutex_unlock(&r->load);
}

/* -- life -- */

struct registry *registry_new(const char *root, struct metrics *m, struct err *e)
{
    struct registry *r = mem_zero(1, sizeof *r);
    *r = (struct registry){.root = mem_dup(root, strlen(root)), .metrics = m};
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->load, NULL);
    r->loads[0] = metrics_counter(m, "infer_loads_total", "good=\"no\"", "models loaded");
    r->loads[1] = metrics_counter(m, "infer_loads_total", "good=\"yes\"", "models loaded");
    struct err why = {0};
    load_all(r, &why);
    if (r->n) return r;
    registry_free(r);
    err_refuse(e, "%s", why.text);
    err_refuse(e, "infer.models: %s holds no model; make one with weir-fit", root);
    return NULL;
}

void registry_free(struct registry *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->n; i++) {
        assert(r->entries[i]->refs == 1);
        entry_free(r->entries[i]);
    }
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->load);
    free(r->root);
    free(r);
}

static void list_parts(const struct model *m, struct buf *out)
{
    buf_printf(out, ",\"parts\":{");
    for (size_t i = 0; i < m->manifest.parts.n; i++)
        buf_printf(out, "%s\"%s\":%.15g", i ? "," : "", m->manifest.parts.at[i].name,
                   m->manifest.parts.at[i].value);
    buf_printf(out, "}");
}

void registry_list(struct registry *r, struct buf *out)
{
    char time[CLOCK_TEXT_BYTES];
    buf_printf(out, "[");
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->n; i++) {
        const struct registry_entry *entry = r->entries[i];
        buf_printf(out, "%s{\"name\":\"%s\",\"kind\":\"%s\",\"version\":\"%s\",\"items\":%u",
                   i ? "," : "", entry->name, entry->model->kind->name, entry->model->version,
                   entry->model->ids.n);
        if (entry->model->parts_n) list_parts(entry->model, out);
        buf_printf(out, ",\"loaded\":\"%s\"}", clock_text(entry->loaded_ms, time));
    }
    pthread_mutex_unlock(&r->lock);
    buf_printf(out, "]");
}
