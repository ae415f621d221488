/* The bytes of the inference contract: {"user":[u,..],"item":[[i,..],..],"n_rec":N} goes out
 * (with "exclude" if anybody excludes something), [[i,..],..] comes back, one list for each
 * user. Ids are JSON strings or integers. */
#ifndef WEIR_INFERENCE_CLIENT_CODEC_H
#define WEIR_INFERENCE_CLIENT_CODEC_H

#include "base/buf.h"
#include "inference-client/client.h"

/* codec_request appends the body that asks for all n asks (n > 0), which agree in n_rec. */
void codec_request(struct buf *out, const struct client_ask *const *asks, size_t n);

/* codec_reply_max is more bytes than any good reply for users_n users takes. */
size_t codec_reply_max(size_t users_n, int n_rec);

/* A decoded reply: the items of user u are at[ends[u - 1]] to at[ends[u] - 1]. */
struct codec_reply {
    struct str *at; /* own; into text */
    size_t *ends;   /* own; by user */
    char *text;     /* own */
};

/* codec_decode reads a reply for users_n users: at most n_rec different ids for each, the first
 * ones, integers in decimal. False, with nothing to finish, if it is anything but what the
 * contract asks for. */
MUST_CHECK bool codec_decode(struct codec_reply *r, struct str body, size_t users_n, int n_rec);

/* codec_row returns the items of a user and their number. */
const struct str *codec_row(const struct codec_reply *r, size_t user, size_t *ret_n);

void codec_finish(struct codec_reply *r);

#endif
