/* Model files, as they come or with a right checksum: what is opened can be looked up in and ranked by. */
#include <assert.h>
#include <stdlib.h>

#include "base/wire.h"
#include "fuzz.h"
#include "infer/transitions.h"

enum { CHECKSUM_AT = 8, HASHED_FROM = 16, ASKS = 4 };

static void rank(const struct model *m)
{
    struct transitions *t = transitions_new(m);
    uint32_t items[TRANSITIONS_N_MAX];
    for (uint32_t i = 0; i < m->items_n && i < ASKS; i++) {
        struct str seen[] = {model_id(m, i), model_id(m, m->items_n - 1), str_of("unknown")};
        const struct transitions_ask ask = {seen, COUNT_OF(seen), seen, i % 2, 1 + (int)i};
        size_t n = transitions_rank(t, &ask, items);
        assert(n <= (size_t)ask.n_rec);
        for (size_t k = 0; k < n; k++) assert(items[k] < m->items_n && items[k] != i);
    }
    transitions_free(t);
}

static void check(const struct model *m)
{
    uint32_t found;
    for (uint32_t i = 0; i < m->items_n; i++) {
        bool known = model_find(m, model_id(m, i), &found);
        assert(known && found == i);
    }
    rank(m);
}

/* The first byte: an even one puts the right checksum into the file that follows. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    struct model m;
    struct err e = {0};
    bool seal = fuzz_take(&f, 1) % 2 == 0 && f.n >= HASHED_FROM;
    char *file = fuzz_exact(fuzz_rest(&f), false);
    uint64_t sum = seal ? wire_hash((struct str){file + HASHED_FROM, f.n - HASHED_FROM}) : 0;
    for (size_t i = 0; seal && i < sizeof sum; i++) file[CHECKSUM_AT + i] = (char)(sum >> 8 * i);
    if (model_open(&m, fuzz_file((struct str){file, f.n}), &e)) {
        check(&m);
        model_close(&m);
    } else {
        assert(e.status == ERR_REFUSED);
    }
    free(file);
    return 0;
}
