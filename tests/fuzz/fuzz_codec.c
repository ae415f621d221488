/* Replies of an inference service: what is taken has a row of different ids for each user, no longer than was asked. */
#include <assert.h>
#include <stdlib.h>

#include "fuzz.h"
#include "inference-client/codec.h"

static void check_row(const struct codec_reply *r, size_t user, int n_rec)
{
    size_t n;
    const struct str *items = codec_row(r, user, &n);
    assert(n <= (size_t)n_rec);
    for (size_t i = 0; i < n; i++) {
        assert(items[i].len >= 1 && items[i].len <= 256 && str_is_text(items[i]));
        for (size_t k = 0; k < i; k++) assert(!str_eq(items[i], items[k]));
    }
}

/* The first byte is the number of users, the second that of the items asked for. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    struct codec_reply r;
    size_t users_n = 1 + fuzz_take(&f, 1) % 4;
    int n_rec = 1 + (int)fuzz_take(&f, 1) % 10;
    char *body = fuzz_exact(fuzz_rest(&f), false);
    if (codec_decode(&r, (struct str){body, f.n}, users_n, n_rec)) {
        for (size_t user = 0; user < users_n; user++) check_row(&r, user, n_rec);
        codec_finish(&r);
    }
    free(body);
    return 0;
}
