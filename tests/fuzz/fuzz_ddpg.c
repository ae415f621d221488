/* What a trainer has saved: names and .npy files are refused, or make a model that is opened and answers; then the model
 * itself, with bytes that are other ones under a right hash. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "fit/ddpg_fit.h"
#include "fuzz.h"
#include "services/ddpg.h"
#include "services/ranker.h"

enum { DAMAGES_MAX = 8 };

static char folder[] = "/tmp/weir-fuzz-ddpg-XXXXXX";
static bool begun;

/* A layer of small numbers, of both signs. */
static void put_floats(const char *name, int rows, int columns)
{
    struct buf b;
    char dict[118];
    buf_init(&b, 1 << 20);
    snprintf(dict, sizeof dict, columns ? "%s(%d, %d), }" : "%s(%d,), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': ", rows, columns);
    buf_add(&b, "\x93NUMPY\x01\0\x76\0", 10);
    buf_printf(&b, "%-117s\n", dict);
    for (int i = 0; i < rows * (columns ? columns : 1); i++) {
        float x = (float)(i * 7 % 11 - 5) / 16;
        buf_add(&b, &x, sizeof x);
    }
    fuzz_put(folder, name, buf_str(&b));
    buf_finish(&b);
}

static void begin(void)
{
    if (!mkdtemp(folder)) abort();
    begun = true;
    put_floats("w1.npy", DDPG_HIDDEN, DDPG_IN), put_floats("b1.npy", DDPG_HIDDEN, 0);
    put_floats("w2.npy", DDPG_HIDDEN, DDPG_HIDDEN), put_floats("b2.npy", DDPG_HIDDEN, 0);
    put_floats("w3.npy", DDPG_OUT, DDPG_HIDDEN), put_floats("b3.npy", DDPG_OUT, 0);
}

static void rank(const struct model *m)
{
    struct ranker *r = ranker_new(m);
    struct best_found found[RANKER_N_MAX];
    const struct str seen[] = {str_of("unknown"), ids_at(&m->ids, m->ids.n - 1)};
    const struct ranker_ask ask = {
        .items = seen, .items_n = 2, .n = 9, .user = ids_at(&m->users, m->users.n - 1)};
    size_t n = ranker_rank(r, &ask, found, NULL);
    assert(n == (m->ids.n - 1 < 9 ? m->ids.n - 1 : 9));
    for (size_t i = 0; i < n; i++) {
        assert(found[i].item < m->ids.n - 1);
        assert(i == 0 || best_worse(&found[i], &found[i - 1]));
    }
    ranker_free(r);
}

static struct model *write_and_open(struct model *m)
{
    struct err e = {0};
    bool good = model_write(m, folder, "m", "1", &e);
    assert(good);
    struct model *opened = model_open(folder, "m", &e);
    assert(opened || e.status == ERR_REFUSED);
    return opened;
}

/* Four bytes of where, in which array, and one of what. */
static void damage(struct model *m, struct str bytes)
{
    struct fuzz f = {(const uint8_t *)bytes.at, bytes.len};
    for (size_t i = 0; i < DAMAGES_MAX && f.n; i++) {
        struct array_file_array *a = &m->data.arrays[fuzz_take(&f, 1) % m->data.arrays_n];
        static const size_t sizes[] = {[ARRAY_FILE_U64] = 8,
                                       [ARRAY_FILE_U32] = 4,
                                       [ARRAY_FILE_F32] = 4,
                                       [ARRAY_FILE_BYTE] = 1};
        uint64_t at = fuzz_take(&f, 3);
        char *to = (char *)(uintptr_t)a->at + at % (a->n * sizes[a->type]);
        *to = (char)fuzz_take(&f, 1);
    }
}

/* Two bytes each of how long items.txt, users.txt, items.npy and users.npy are, these, and the damages. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    static const char *const files[] = {"items.txt", "users.txt", "items.npy", "users.npy"};
    struct fuzz f = {at, n};
    size_t len[COUNT_OF(files)];
    struct err e = {0};
    int64_t time_ms;
    if (!begun) begin();
    for (size_t i = 0; i < COUNT_OF(files); i++) len[i] = (size_t)fuzz_take(&f, 2);
    struct str rest = fuzz_rest(&f);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        size_t here = len[i] < rest.len ? len[i] : rest.len;
        fuzz_put(folder, files[i], (struct str){rest.at, here});
        rest = (struct str){rest.at + here, rest.len - here};
    }
    struct model *m = ddpg_fit(folder, &time_ms, &e);
    assert(m || e.status == ERR_REFUSED);
    if (!m) return 0;
    struct model *opened = write_and_open(m);
    assert(opened);
    rank(opened);
    model_free(opened);
    damage(m, rest);
    opened = write_and_open(m);
    if (opened) rank(opened);
    model_free(opened);
    model_free(m);
    return 0;
}
