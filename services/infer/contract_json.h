/* The wire contract of the inference service: {"user":[u,..],"item":[[i,..],..],"n_rec":N} comes
 * in, and [[i,..],..] goes out, one list for each user. Ids are strings or integers.
 *
 * Optional: "exclude":[[i,..],..], what not to answer; "reconsume":true, items of the request but for
 * the newest may be answered; "scores":true, the answer is [[[i,score],..],..]. Other members are
 * ignored. */
#ifndef WEIR_INFER_CONTRACT_JSON_H
#define WEIR_INFER_CONTRACT_JSON_H

#include "base/buf.h"

struct contract_json_user {
    struct str id;       /* into text */
    struct str *items;   /* own; into text; oldest first, at most 200 */
    struct str *exclude; /* own; into text; at most 1000 */
    size_t items_n, exclude_n;
};

struct contract_json_request {
    struct contract_json_user *users; /* own; at most 256 */
    size_t users_n;
    bool scores, reconsume;
    int n_rec;     /* 1..500 */
    bool integers; /* an id came as an integer: decimal ids are answered as integers too */
    char *text;    /* own */
};

/* contract_json_read fills r from a body. False, with nothing to finish: *ret_detail says what
 * is wrong (static text). */
MUST_CHECK bool contract_json_read(struct contract_json_request *r, struct str body,
                                   const char **ret_detail);

void contract_json_finish(struct contract_json_request *r);

/* contract_json_detail appends {"detail":"..."}. */
void contract_json_detail(struct buf *out, const char *detail);

/* contract_json_id appends one id as the request wants it. */
void contract_json_id(struct buf *out, const struct contract_json_request *r, struct str id);

#endif
