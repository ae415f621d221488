/* Requests to the inference service: what is taken is within the bounds, and Weir's own client asks so that the same
 * arrives. */
#include <assert.h>
#include <stdlib.h>

#include "fuzz.h"
#include "infer/contract_json.h"
#include "inference-client/codec.h"

static void same(const struct str *a, size_t a_n, const struct str *b, size_t b_n)
{
    assert(a_n == b_n);
    for (size_t i = 0; i < a_n; i++) {
        assert(a[i].len >= 1 && a[i].len <= 256 && str_is_text(a[i]));
        assert(str_eq(a[i], b[i]));
    }
}

static void ask_again(const struct contract_json_request *r)
{
    struct client_ask *asks = calloc(r->users_n, sizeof *asks);
    const struct client_ask **refs = calloc(r->users_n, sizeof *refs);
    for (size_t i = 0; i < r->users_n; i++) {
        const struct contract_json_user *u = &r->users[i];
        asks[i] = (struct client_ask){str_of("7"), u->items,     u->items_n,
                                      u->exclude,  u->exclude_n, r->n_rec};
        refs[i] = &asks[i];
    }
    struct contract_json_request again;
    const char *wrong;
    struct buf body;
    buf_init(&body, SIZE_MAX);
    codec_request(&body, refs, r->users_n);
    bool good = contract_json_read(&again, buf_str(&body), &wrong);
    assert(good && again.users_n == r->users_n && again.n_rec == r->n_rec);
    for (size_t i = 0; i < r->users_n; i++) {
        const struct contract_json_user *x = &r->users[i], *y = &again.users[i];
        same(x->items, x->items_n, y->items, y->items_n);
        same(x->exclude, x->exclude_n, y->exclude, y->exclude_n);
    }
    contract_json_finish(&again);
    buf_finish(&body);
    free(refs);
    free(asks);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct contract_json_request r;
    const char *wrong;
    char *body = fuzz_exact((struct str){(const char *)at, n}, false);
    if (contract_json_read(&r, (struct str){body, n}, &wrong)) {
        assert(r.users_n <= 1024 && r.n_rec >= 1 && r.n_rec <= 1000);
        for (size_t i = 0; i < r.users_n; i++)
            assert(r.users[i].items_n <= 200 && r.users[i].exclude_n <= 1000);
        if (r.users_n) ask_again(&r);
        contract_json_finish(&r);
    } else {
        assert(wrong && *wrong);
    }
    free(body);
    return 0;
}
