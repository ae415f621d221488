#include "fit/ddpg_fit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/item_order.h"
#include "base/mem.h"
#include "fit/npy_file.h"
#include "services/ddpg.h"

static void add(struct model *m, uint64_t n, void *at_take)
{
    size_t i = m->data.arrays_n++;
    m->data.arrays[i] = (struct array_file_array){m->kind->types[i], n, at_take};
}

/* -- rows with ids -- */

/* Own. */
struct rows {
    struct named {
        char *id;
        size_t row;
    } * names;
    size_t n, cap;
    float *vectors; /* [n][DDPG_OUT] */
};

static void rows_finish(struct rows *r)
{
    for (size_t i = 0; i < r->n; i++) free(r->names[i].id);
    free(r->names);
    free(r->vectors);
}

static int compare(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    return item_order_cmp(str_of(a->id), str_of(b->id));
}

static bool take_name(struct rows *r, const char *line, size_t len, const char *path, struct err *e)
{
    struct str id = {line, len};
    if (id.len && id.at[id.len - 1] == '\n') id.len--;
    if (id.len == 0 || id.len > IDS_MAX_BYTES || !str_is_text(id) || r->n == UINT32_MAX - 1)
        return err_refuse(e, "%s, line %zu: want an id of 1 to 256 bytes of text", path, r->n + 1);
    r->names = mem_grow(r->names, r->n, &r->cap, sizeof r->names[0]);
    r->names[r->n] = (struct named){mem_dup(id.at, id.len), r->n};
    r->n++;
    return true;
}

static bool read_names(struct rows *r, const char *path, struct err *e)
{
    FILE *f = fopen(path, "re");
    if (!f) return err_refuse(e, "%s: %s; want an id a line", path, strerror(errno));
    char *line = NULL;
    size_t cap = 0;
    bool good = true;
    for (ssize_t len; good && (len = getline(&line, &cap, f)) > 0;)
        good = take_name(r, line, (size_t)len, path, e);
    free(line);
    fclose(f);
    return good && (r->n > 0 || err_refuse(e, "%s: want an id a line", path));
}

/* Sorts the names; the vectors stay where they are. */
static bool read_rows(struct rows *r, const char *directory, const char *stem, struct err *e)
{
    char *names = mem_printf("%s/%s.txt", directory, stem),
         *vectors = mem_printf("%s/%s.npy", directory, stem);
    bool good = read_names(r, names, e);
    struct npy_file_shape shape = {r->n, DDPG_OUT};
    if (good) good = (r->vectors = npy_file_read(vectors, &shape, e)) != NULL;
    if (good) qsort(r->names, r->n, sizeof r->names[0], compare);
    for (size_t i = 1; good && i < r->n; i++)
        if (compare(&r->names[i - 1], &r->names[i]) == 0)
            good = err_refuse(e, "%s: \"%s\" is there twice", names, r->names[i].id);
    free(names);
    free(vectors);
    return good;
}

/* The arrays of an id file; both are the caller's. */
static uint64_t *join_names(const struct rows *r, char **ret_text)
{
    uint64_t *start = mem_zero(r->n + 1, sizeof start[0]);
    for (size_t i = 0; i < r->n; i++) start[i + 1] = start[i] + strlen(r->names[i].id);
    *ret_text = mem_zero(start[r->n], 1);
    for (size_t i = 0; i < r->n; i++)
        memcpy(*ret_text + start[i], r->names[i].id, start[i + 1] - start[i]);
    return start;
}

static float *sorted_vectors(const struct rows *r)
{
    float *to = mem_zero(r->n * DDPG_OUT, sizeof to[0]);
    for (size_t i = 0; i < r->n; i++)
        memcpy(to + i * DDPG_OUT, r->vectors + r->names[i].row * DDPG_OUT, DDPG_OUT * sizeof to[0]);
    return to;
}

static void add_users(struct model *m, const struct rows *users)
{
    char *text;
    uint64_t *start = join_names(users, &text);
    m->users = (struct ids){.n = (uint32_t)users->n, .start = start, .text = text};
    add(m, users->n + 1, start);
    add(m, start[users->n], text);
    add(m, users->n * DDPG_OUT, sorted_vectors(users));
}

static void add_items(struct model *m, const struct rows *items)
{
    char *text;
    uint64_t *start = join_names(items, &text);
    uint8_t *codes = mem_zero(codes_bytes(items->n), 1);
    struct codes_bounds *bounds = mem_zero(1, sizeof *bounds);
    float *vectors = sorted_vectors(items);
    m->ids = (struct ids){.n = (uint32_t)items->n, .start = start, .text = text};
    m->ids.file = (struct array_file){
        .arrays = {{ARRAY_FILE_U64, items->n + 1, start}, {ARRAY_FILE_BYTE, start[items->n], text}},
        .arrays_n = 2};
    *bounds = codes_fill(vectors, m->ids.n, codes);
    add(m, items->n * DDPG_OUT, vectors);
    add(m, codes_bytes(items->n), codes);
    add(m, sizeof *bounds / sizeof(float), bounds);
}

/* -- the network -- */

/* Turns a layer's weights over, (out, in) to [in][out]. */
static bool read_layer(const char *directory, int layer, size_t in, size_t out, float *to,
                       struct err *e)
{
    char *names[] = {mem_printf("%s/w%d.npy", directory, layer),
                     mem_printf("%s/b%d.npy", directory, layer)};
    float *weights = npy_file_read(names[0], &(struct npy_file_shape){out, in}, e);
    float *biases = weights ? npy_file_read(names[1], &(struct npy_file_shape){out, 0}, e) : NULL;
    for (size_t i = 0; biases && i < in; i++)
        for (size_t k = 0; k < out; k++) to[i * out + k] = weights[k * in + i];
    if (biases) memcpy(to + in * out, biases, out * sizeof to[0]);
    bool good = biases != NULL;
    free(weights);
    free(biases);
    free(names[0]);
    free(names[1]);
    return good;
}

static float *read_network(const char *directory, struct err *e)
{
    float *all = mem_zero(DDPG_FLOATS, sizeof all[0]), *second = all + (DDPG_IN + 1) * DDPG_HIDDEN,
          *third = second + (DDPG_HIDDEN + 1) * DDPG_HIDDEN;
    if (read_layer(directory, 1, DDPG_IN, DDPG_HIDDEN, all, e) &&
        read_layer(directory, 2, DDPG_HIDDEN, DDPG_HIDDEN, second, e) &&
        read_layer(directory, 3, DDPG_HIDDEN, DDPG_OUT, third, e))
        return all;
    free(all);
    return NULL;
}

static int64_t newest_s(const char *directory)
{
    static const char *const files[] = {"items.npy", "users.npy", "w1.npy", "w2.npy", "w3.npy"};
    int64_t newest = 0;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct stat s;
        char *path = mem_printf("%s/%s", directory, files[i]);
        if (stat(path, &s) == 0 && s.st_mtime > newest) newest = s.st_mtime;
        free(path);
    }
    return newest;
}

struct model *ddpg_fit(const char *directory, int64_t *ret_time_ms, struct err *e)
{
    struct rows users = {0}, items = {0};
    struct model *m = NULL;
    float *network = NULL;
    *ret_time_ms = newest_s(directory) * 1000;
    if (read_rows(&items, directory, "items", e) && read_rows(&users, directory, "users", e) &&
        (network = read_network(directory, e))) {
        m = mem_zero(1, sizeof *m);
        m->kind = &ddpg_kind;
        add_users(m, &users);
        add_items(m, &items);
        add(m, DDPG_FLOATS, network);
    }
    const char *wrong = m ? m->kind->check(m) : NULL;
    if (wrong) err_refuse(e, "%s: %s", directory, wrong);
    if (wrong) model_free(m);
    rows_finish(&users);
    rows_finish(&items);
    return wrong ? NULL : m;
}
