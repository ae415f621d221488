#include "services/model.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/wire.h"

static const struct kind *const kinds[] = {&popular_kind, &transitions_kind, &itemknn_kind,
                                           &vmisknn_kind, &ease_kind,        &ddpg_kind,
                                           &blend_kind};

const struct kind *model_kind(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i]->name, name) == 0) return kinds[i];
    return NULL;
}

void model_free(struct model *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->parts_n; i++) model_free(m->parts[i].model);
    free(m->parts);
    if (m->parts_n == 0) ids_close(&m->ids);
    ids_close(&m->users);
    array_file_close(&m->data);
    free(m);
}

/* -- reading -- */

const char *model_set(struct model *m)
{
    const struct kind_parameter *p = m->kind->parameters;
    for (size_t i = 0; i < KIND_PARAMETERS_MAX && p[i].name; i++) {
        const double *value = manifest_json_number(&m->manifest.settings, p[i].name);
        if (!value || !(*value >= p[i].min && *value <= p[i].max))
            return "a setting is missing or out of range";
        m->parameters[i] = *value;
    }
    return NULL;
}

static const char *open_data(struct model *m, int directory)
{
    if (!m->manifest.has_data) return "its manifest names no data";
    const char *wrong = ids_open(&m->ids, directory, m->manifest.ids);
    if (!wrong)
        wrong = array_file_open(&m->data, directory, "data", m->manifest.data, m->kind->types,
                                m->kind->arrays_n);
    if (!wrong && m->kind->knows_users) wrong = ids_borrow(&m->users, &m->data, 0, 1);
    return wrong ? wrong : m->kind->check(m);
}

static struct model *open_model(const char *root, const char *name, bool is_part, struct err *e);

static const char *open_part(struct model *m, const char *root,
                             const struct manifest_json_number *named, struct err *e)
{
    struct model_part *part = &m->parts[m->parts_n];
    part->weight = named->value;
    part->model = manifest_json_name(named->name) ? open_model(root, named->name, true, e) : NULL;
    if (!part->model) return "a part is missing or bad";
    m->parts_n++;
    return part->model->ids.hash == m->parts[0].model->ids.hash
               ? NULL
               : "its parts were fitted from different items";
}

static void add_part_versions(struct model *m)
{
    struct buf b;
    buf_init(&b, MANIFEST_JSON_NUMBERS_MAX * MODEL_VERSION_BYTES);
    for (size_t i = 0; i < m->parts_n; i++) buf_printf(&b, "%s ", m->parts[i].model->version);
    snprintf(m->version, sizeof m->version, "%.*s-%08x", MANIFEST_JSON_NAME_BYTES - 1,
             m->manifest.version, (unsigned)wire_xxh64(buf_str(&b)));
    buf_finish(&b);
}

static const char *open_parts(struct model *m, const char *root, struct err *e)
{
    const struct manifest_json_numbers *named = &m->manifest.parts;
    if (named->n == 0) return "it has no parts";
    m->parts = mem_zero(named->n, sizeof m->parts[0]);
    for (size_t i = 0; i < named->n; i++) {
        const char *wrong = open_part(m, root, &named->at[i], e);
        if (wrong) return wrong;
    }
    m->ids = m->parts[0].model->ids;
    add_part_versions(m);
    return m->kind->check(m);
}

static const char *open_all(struct model *m, const char *root, int directory, bool is_part,
                            struct err *e)
{
    const char *wrong = manifest_json_read(&m->manifest, directory);
    if (wrong) return wrong;
    snprintf(m->version, sizeof m->version, "%s", m->manifest.version);
    m->kind = model_kind(m->manifest.kind);
    if (!m->kind) return "its kind is not known here";
    wrong = model_set(m);
    if (wrong) return wrong;
    if (m->kind->arrays_n) return open_data(m, directory);
    return is_part ? "it is a blend in a blend" : open_parts(m, root, e);
}

static int open_directory(const char *root, const char *name)
{
    char *path = mem_printf("%s/%s", root, name);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(path);
    return fd;
}

static struct model *open_model(const char *root, const char *name, bool is_part, struct err *e)
{
    int directory = open_directory(root, name);
    if (directory < 0) {
        err_refuse(e, "%s/%s: the model cannot be opened: %s; make one with weir-fit", root, name,
                   strerror(errno));
        return NULL;
    }
    struct model *m = mem_zero(1, sizeof *m);
    const char *wrong = open_all(m, root, directory, is_part, e);
    close(directory);
    if (!wrong) return m;
    model_free(m);
    err_refuse(e, "%s/%s: not used: %s; make a new one with weir-fit", root, name, wrong);
    return NULL;
}

struct model *model_open(const char *root, const char *name, struct err *e)
{
    return open_model(root, name, false, e);
}

/* -- writing -- */

/* Nothing that a model consists of: of another version, or of a writer that has died. */
static bool is_left_over(const struct model *m, const char *file)
{
    char data[ARRAY_FILE_NAME_BYTES], ids[ARRAY_FILE_NAME_BYTES];
    array_file_name("data", m->manifest.data, data);
    array_file_name("ids", m->manifest.ids, ids);
    bool ours = strncmp(file, "data-", 5) == 0 || strncmp(file, "ids-", 4) == 0 ||
                strncmp(file, ".data.", 6) == 0 || strncmp(file, ".ids.", 5) == 0;
    return ours && strcmp(file, data) != 0 && strcmp(file, ids) != 0;
}

static void tidy(const struct model *m, int directory)
{
    DIR *list = fdopendir(dup(directory));
    if (!list) return;
    rewinddir(list);
    for (const struct dirent *d; (d = readdir(list));)
        if (is_left_over(m, d->d_name)) unlinkat(directory, d->d_name, 0);
    closedir(list);
}

static uint64_t settings_hash(const struct manifest_json *m)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_printf(&b, "%s %llx %llx", m->kind, (unsigned long long)m->data,
               (unsigned long long)m->ids);
    const struct manifest_json_numbers *all[] = {&m->settings, &m->parts};
    for (size_t k = 0; k < COUNT_OF(all); k++)
        for (size_t i = 0; i < all[k]->n; i++)
            buf_printf(&b, " %s=%.17g", all[k]->at[i].name, all[k]->at[i].value);
    uint64_t hash = wire_xxh64(buf_str(&b));
    buf_finish(&b);
    return hash;
}

static bool write_files(struct model *m, int directory, const char *newest, struct err *e)
{
    struct manifest_json *manifest = &m->manifest;
    snprintf(manifest->kind, sizeof manifest->kind, "%s", m->kind->name);
    manifest->has_data = m->kind->arrays_n > 0;
    if (manifest->has_data && (!array_file_write(&m->data, directory, "data", &manifest->data, e) ||
                               !ids_write(&m->ids, directory, &manifest->ids, e)))
        return false;
    snprintf(manifest->version, sizeof manifest->version, "%.20s-%08x", newest,
             (unsigned)settings_hash(manifest));
    if (!manifest_json_write(manifest, directory, e)) return false;
    tidy(m, directory);
    return true;
}

bool model_write(struct model *m, const char *root, const char *name, const char *newest,
                 struct err *e)
{
    assert(manifest_json_name(name));
    char *path = mem_printf("%s/%s", root, name);
    mkdir(root, 0755);
    mkdir(path, 0755);
    int directory = open_directory(root, name);
    struct err why = {0};
    bool good = directory >= 0 && write_files(m, directory, newest, &why);
    if (!good)
        err_set(e, "%s: the model cannot be written: %s", path,
                directory < 0 ? strerror(errno) : why.text);
    if (directory >= 0) close(directory);
    free(path);
    return good;
}
