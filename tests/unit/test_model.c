/* Models in their directories: what is written is read; what is cut, altered, or nonsense under right
 * hashes is refused, for every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "fitted.h"

static char root[] = "/tmp/weir-model-XXXXXX";

/* Items 2, 10, a: u: 2 10 a; v: a 2. */
static const struct fitted_row rows[] = {
    {"u", "2", 1}, {"u", "10", 2}, {"u", "a", 3}, {"v", "a", 1}, {"v", "2", 9}};

static const struct kind *const kinds[] = {&popular_kind, &transitions_kind, &itemknn_kind,
                                           &vmisknn_kind, &ease_kind};

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    char *command = mem_printf("rm -r %s", root);
    int failed = system(command);
    free(command);
    return failed;
}

/* The sample of a kind, in memory; f is freed after it. */
static struct model *sample(const struct kind *kind, struct fitted **ret_f)
{
    *ret_f = fitted_new(rows, COUNT_OF(rows));
    return fitted_model(*ret_f, kind);
}

static void write_model(struct model *m)
{
    struct err e = {0};
    if (!model_write(m, root, "m", "20240101", &e)) fail_msg("%s", e.text);
}

static void write_sample(const struct kind *kind)
{
    struct fitted *f;
    struct model *m = sample(kind, &f);
    write_model(m);
    model_free(m);
    fitted_free(f);
}

static void refused(const char *what, const char *why)
{
    struct err e = {0};
    struct model *m = model_open(root, "m", &e);
    if (m) fail_msg("taken: %s", what);
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, "weir-fit"));
    assert_null(strchr(e.text, '\n'));
    if (!strstr(e.text, why)) fail_msg("%s: %s", what, e.text);
}

/* The path of the file whose name begins with stem; the caller frees it. */
static char *path_of(const char *stem)
{
    char *folder = mem_printf("%s/m", root), *path = NULL;
    DIR *list = opendir(folder);
    for (const struct dirent *d; (d = readdir(list));)
        if (strncmp(d->d_name, stem, strlen(stem)) == 0)
            path = mem_printf("%s/%s", folder, d->d_name);
    closedir(list);
    free(folder);
    assert_non_null(path);
    return path;
}

static void round_trip(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct fitted *f;
        struct err e = {0};
        struct model *m = sample(kinds[k], &f);
        write_model(m);
        struct model *read = model_open(root, "m", &e);
        if (!read) fail_msg("%s", e.text);
        assert_ptr_equal(read->kind, kinds[k]);
        assert_string_equal(read->version, m->manifest.version);
        assert_memory_equal(read->version, "20240101-", 9);
        for (size_t i = 0; i < kinds[k]->arrays_n; i++)
            assert_int_equal(read->data.arrays[i].n, m->data.arrays[i].n);
        assert_int_equal(ids_find(&read->ids, str_of("a")), 2);
        static const char *const unknown[] = {"", "1", "3", "11", "A", "b", "02"};
        for (size_t i = 0; i < COUNT_OF(unknown); i++)
            assert_int_equal(ids_find(&read->ids, str_of(unknown[i])), IDS_UNKNOWN);
        assert_null(ranker_try(read));
        model_free(read);
        model_free(m);
        fitted_free(f);
    }
}

static void every_truncation_and_every_bit(void **state)
{
    (void)state;
    static const char *const stems[] = {"data-", "ids-"};
    write_sample(&transitions_kind);
    for (size_t s = 0; s < COUNT_OF(stems); s++) {
        char bytes[4096], *path = path_of(stems[s]);
        int fd = open(path, O_RDWR);
        ssize_t n = read(fd, bytes, sizeof bytes);
        for (ssize_t at = 0; at < n; at++) {
            char flipped = (char)(bytes[at] ^ 1 << at % 8);
            assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
            refused("flipped", "damaged");
            assert_int_equal(pwrite(fd, &bytes[at], 1, at), 1);
        }
        while (n-- > 0) {
            assert_int_equal(ftruncate(fd, n), 0);
            refused("truncated", "");
        }
        close(fd);
        unlink(path);
        refused("absent", "missing");
        assert_int_equal(mkfifo(path, 0600), 0);
        refused("a pipe", "no file");
        unlink(path);
        assert_int_equal(mkdir(path, 0700), 0);
        refused("a directory", "no file");
        rmdir(path);
        free(path);
        write_sample(&transitions_kind);
    }
}

/* Whoever can write the files can write their hashes too: element `at` of an array becomes `value`, or
 * (at LENGTH) the array gets another length. */
enum { LENGTH = 99 };

struct nonsense {
    const struct kind *kind;
    size_t array, at;
    double value;
    const char *why;
};

static void spoil(struct array_file_array *a, size_t at, double value)
{
    void *to = (void *)a->at;
    if (at == LENGTH)
        a->n = (uint64_t)value;
    else if (a->type == ARRAY_FILE_F32)
        ((float *)to)[at] = (float)value;
    else if (a->type == ARRAY_FILE_U32)
        ((uint32_t *)to)[at] = (uint32_t)value;
    else
        ((uint64_t *)to)[at] = (uint64_t)value;
}

static void sealed_nonsense(void **state)
{
    (void)state;
    const struct nonsense all[] = {
        {&popular_kind, 0, LENGTH, 2, "sizes"},
        {&transitions_kind, 0, 0, 271, "bad row"},
        {&transitions_kind, 0, LENGTH, 2, "sizes"},
        {&transitions_kind, 1, 0, 1, "out of order"},
        {&transitions_kind, 1, 1, 3e18, "out of order"},
        {&transitions_kind, 1, 3, 2, "out of order"},
        {&transitions_kind, 2, 0, 3, "bad row"},
        {&transitions_kind, 2, 1, 0, "bad row"},
        {&transitions_kind, 3, 0, 0, "bad row"},
        {&transitions_kind, 3, LENGTH, 2, "sizes"},
        {&itemknn_kind, 0, 1, 3e18, "out of order"},
        {&itemknn_kind, 1, 0, 3, "bad row"},
        {&itemknn_kind, 1, 0, 4e9, "bad row"},
        {&itemknn_kind, 2, 0, NAN, "finite"},
        {&itemknn_kind, 2, 1, INFINITY, "finite"},
        {&itemknn_kind, 2, LENGTH, 1, "sizes"},
        {&vmisknn_kind, 0, 1, 3e18, "out of order"},
        {&vmisknn_kind, 1, 0, 2, "bad row"},
        {&vmisknn_kind, 1, 1, 0, "bad row"},
        {&vmisknn_kind, 2, 1, 99, "out of order"},
        {&vmisknn_kind, 2, LENGTH, 0, "sizes"},
        {&vmisknn_kind, 3, 0, 3, "bad row"},
        {&vmisknn_kind, 4, 2, -INFINITY, "finite"},
        {&vmisknn_kind, 4, LENGTH, 2, "sizes"},
        {&ease_kind, 0, 1, 7, "bad row"},
        {&ease_kind, 0, 2, UINT32_MAX, "sizes"},
        {&ease_kind, 1, 5, NAN, "finite"},
        {&ease_kind, 1, LENGTH, 8, "sizes"},
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct fitted *f;
        struct model *m = sample(all[i].kind, &f);
        spoil(&m->data.arrays[all[i].array], all[i].at, all[i].value);
        write_model(m);
        char *what = mem_printf("%s, array %zu at %zu", m->kind->name, all[i].array, all[i].at);
        refused(what, all[i].why);
        free(what);
        model_free(m);
        fitted_free(f);
    }
}

static void bad_ids(void **state)
{
    (void)state;
    static const struct {
        uint64_t start[4];
        const char *text, *why;
    } all[] = {
        {{0, 1, 3, 4}, "210\7", "bad id"},      {{0, 1, 3, 4}, "2102", "bad id"},
        {{0, 1, 3, 4}, "910a", "bad id, no"},   {{0, 0, 3, 4}, "210a", "bad id"},
        {{1, 1, 3, 4}, "210a", "out of order"}, {{0, 3, 1, 4}, "210a", "out of order"},
        {{0, 1, 3, 4}, "a102", "bad id"},
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct fitted *f;
        struct model *m = sample(&popular_kind, &f);
        ids_close(&m->ids);
        m->ids = (struct ids){.n = 3, .start = all[i].start, .text = all[i].text};
        write_model(m);
        bool good = strcmp(all[i].why, "bad id, no") == 0;
        struct err e = {0};
        struct model *read = model_open(root, "m", &e);
        assert_int_equal(read != NULL, good);
        if (!read) assert_non_null(strstr(e.text, all[i].why));
        model_free(read);
        model_free(m);
        fitted_free(f);
    }
}

static void blends(void **state)
{
    (void)state;
    struct err e = {0};
    write_sample(&popular_kind);
    struct model blend = {.kind = &blend_kind};
    manifest_json_add(&blend.manifest.parts, "m", 0.5);
    assert_true(model_write(&blend, root, "mix", "1", &e));
    struct model *m = model_open(root, "mix", &e);
    assert_non_null(m);
    assert_int_equal(m->parts_n, 1);
    assert_null(ranker_try(m));
    model_free(m);
    static const char *const bad[] = {"mix", "none", "../m", ""};
    for (size_t i = 0; i < COUNT_OF(bad); i++) { /* of itself, of nothing */
        struct model wrong = {.kind = &blend_kind};
        manifest_json_add(&wrong.manifest.parts, bad[i], 1);
        assert_true(model_write(&wrong, root, i ? "wrong" : "mix", "1", &e));
        struct err why = {0};
        assert_null(model_open(root, i ? "wrong" : "mix", &why));
        assert_int_equal(why.status, ERR_REFUSED);
    }
}

static void cannot_be_written(void **state)
{
    (void)state;
    struct fitted *f;
    struct err e = {0};
    struct model *m = sample(&popular_kind, &f);
    assert_false(model_write(m, "/nowhere/models", "m", "1", &e));
    assert_non_null(strstr(e.text, "/nowhere/models/m"));
    model_free(m);
    fitted_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),      cmocka_unit_test(every_truncation_and_every_bit),
        cmocka_unit_test(sealed_nonsense), cmocka_unit_test(bad_ids),
        cmocka_unit_test(blends),          cmocka_unit_test(cannot_be_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
