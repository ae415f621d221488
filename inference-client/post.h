/* POSTs a body to one URL, several at a time over kept-alive connections, never blocking longer
 * than asked. Everything that comes back is bounded in bytes and time; redirects, proxies of the
 * environment, other protocols and content encodings are refused. A connection whose transfer
 * did not end well is never used again, so a late reply cannot become the answer to another
 * request. */
#ifndef WEIR_INFERENCE_CLIENT_POST_H
#define WEIR_INFERENCE_CLIENT_POST_H

#include "base/buf.h"
#include "base/err.h"
#include "inference-client/client.h"

struct post; /* of one thread */

struct post_result {
    enum client_status status; /* GOOD, TIMEOUT, UNREACHABLE, HTTP or OVERSIZED */
    long http_status;          /* 0 = none came */
    int64_t retry_after_ms;    /* what the service asked for; 0 = nothing */
    int64_t took_us;
    struct str body;           /* of a GOOD one; borrowed for the call */
    struct str model, version; /* the headers Weir-Model and Weir-Model-Version; absent = none */
    const char *text;          /* what went wrong, for people; borrowed for the call */
};

/* Gets the outcome of a post_start by its ticket. It may call post_start. */
typedef void post_done(void *ctx, void *ticket, const struct post_result *result);

/* post_new posts to url/path. It refuses a url that is not http or https, or that holds a
 * password. */
MUST_CHECK struct post *post_new(const char *url, const char *path, size_t connections,
                                 post_done *done, void *ctx, struct err *e);

/* post_free wants nothing in flight. NULL is fine. */
void post_free(struct post *p);

/* post_idle is the number of transfers that can start now. */
size_t post_idle(const struct post *p);

/* post_start sends the content of body and leaves an empty buffer there. There must be an idle
 * transfer. */
void post_start(struct post *p, void *ticket, struct buf *body, int64_t timeout_ms,
                size_t reply_max);

/* post_poll waits up to wait_ms for the network, moves bytes and hands out what is done. */
void post_poll(struct post *p, int64_t wait_ms);

/* post_drop ends one transfer without calling back and returns its ticket; NULL = none is in
 * flight. */
void *post_drop(struct post *p);

#endif
