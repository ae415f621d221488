/* Models, as they come or with right hashes: what is opened can be looked up in and ranked by. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/wire.h"
#include "fuzz.h"
#include "services/ranker.h"

enum { ASKS = 4 };

static const char *const kinds[] = {"popular", "transitions", "itemknn", "vmisknn",
                                    "ease",    "blend",       "ddpg"};

static void rank(const struct model *m)
{
    struct ranker *r = ranker_new(m);
    struct best_found found[RANKER_N_MAX];
    for (uint32_t i = 0; i < m->ids.n && i < ASKS; i++) {
        struct str seen[] = {ids_at(&m->ids, i), ids_at(&m->ids, m->ids.n - 1), str_of("unknown")};
        const struct ranker_ask ask = {seen, COUNT_OF(seen), seen, i % 2, i > 1, 1 + (int)i};
        size_t n = ranker_rank(r, &ask, found, NULL);
        assert(n <= (size_t)ask.n);
        for (size_t k = 0; k < n; k++) assert(found[k].item < m->ids.n);
    }
    ranker_free(r);
}

static void check(const struct model *m)
{
    for (uint32_t i = 0; i < m->ids.n; i++) assert(ids_find(&m->ids, ids_at(&m->ids, i)) == i);
    rank(m);
    (void)ranker_try(m);
}

static void put_arrays(const char *folder, const char *stem, struct str bytes)
{
    char name[ARRAY_FILE_NAME_BYTES];
    fuzz_put(folder, array_file_name(stem, wire_xxh64(bytes), name), bytes);
}

/* A manifest whose hashes are right. */
static void put_manifest(const char *folder, const char *kind, struct str data, struct str ids)
{
    struct buf b;
    buf_init(&b, 4096);
    buf_printf(
        &b,
        "{\"format\":1,\"kind\":\"%s\",\"version\":\"1\",\"data\":\"%016llx\",\"ids\":\"%016llx\","
        "\"settings\":{\"recent\":3,\"decay\":0.5,\"neighbours\":5,\"recency\":0.9,\"near\":1},"
        "\"parts\":{},\"validation\":{}}",
        kind, (unsigned long long)wire_xxh64(data), (unsigned long long)wire_xxh64(ids));
    fuzz_put(folder, "manifest.json", buf_str(&b));
    buf_finish(&b);
}

static void open_it(const char *root)
{
    struct err e = {0};
    struct model *m = model_open(root, "m", &e);
    if (m)
        check(m);
    else
        assert(e.status == ERR_REFUSED);
    model_free(m);
}

static void remove_arrays(const char *folder, const char *stem, struct str bytes)
{
    char name[ARRAY_FILE_NAME_BYTES], path[200];
    snprintf(path, sizeof path, "%s/%s", folder, array_file_name(stem, wire_xxh64(bytes), name));
    unlink(path);
}

/* The first byte: the kind, or 255 for a manifest that follows as it is. Then two bytes: how much of the
 * rest is the file of ids. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    static char root[] = "/tmp/weir-fuzz-model-XXXXXX", folder[64];
    if (!folder[0]) {
        if (!mkdtemp(root)) abort();
        snprintf(folder, sizeof folder, "%s/m", root);
        mkdir(folder, 0700);
    }
    uint64_t kind = fuzz_take(&f, 1);
    size_t ids_n = (size_t)fuzz_take(&f, 2);
    struct str rest = fuzz_rest(&f);
    if (ids_n > rest.len) ids_n = rest.len;
    struct str ids = {rest.at, ids_n}, data = {rest.at + ids_n, rest.len - ids_n};
    put_arrays(folder, "ids", ids);
    put_arrays(folder, "data", data);
    if (kind == 255)
        fuzz_put(folder, "manifest.json", rest);
    else
        put_manifest(folder, kinds[kind % COUNT_OF(kinds)], data, ids);
    open_it(root);
    remove_arrays(folder, "ids", ids);
    remove_arrays(folder, "data", data);
    return 0;
}
