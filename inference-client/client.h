/* Asks an inference service for recommendations, without ever blocking its caller: asks are
 * collected into micro-batches, sent as POST {url}/{algorithm} over kept-alive connections, tried
 * again with jitter inside a budget, and every ask ends exactly once, with a good answer or with
 * the reason why there is none.
 *
 * The same ask may reach the service more than once (a retry; libcurl itself repeats a POST when
 * a kept-alive connection turns out to be dead): answering changes nothing there, so this does
 * no harm. */
#ifndef WEIR_INFERENCE_CLIENT_CLIENT_H
#define WEIR_INFERENCE_CLIENT_CLIENT_H

#include "base/config.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/str.h"

/* [infer] */
struct client_conf {
    char *url, *algorithm;
    int64_t timeout_ms;    /* of one attempt */
    int64_t budget_ms;     /* of an ask, from client_ask to its answer */
    int64_t batch;         /* users in one POST */
    int64_t batch_wait_ms; /* how long a batch that is not full waits for more */
    int64_t connections;
    int64_t breaker_failures; /* in a row, after which nothing is sent ... */
    int64_t breaker_pause_ms; /* ... for so long; then one batch probes */
};

extern const struct config_row client_rows[];

enum client_status {
    CLIENT_GOOD,
    CLIENT_TIMEOUT,     /* of the attempt, or the budget ran out */
    CLIENT_UNREACHABLE, /* refused, reset, cut short, not HTTP */
    CLIENT_HTTP,        /* any status but 200 */
    CLIENT_MALFORMED,   /* not the JSON that the contract asks for */
    CLIENT_OVERSIZED,   /* more bytes than any good answer has */
    CLIENT_BREAKER,     /* not sent: the service failed too often lately */
    CLIENT_STATUS_N
};

/* client_reason is the word for logs and labels: "good", "timeout", ... */
const char *client_reason(enum client_status s);

/* Ids are text of 1 to 256 bytes. All is copied. */
struct client_ask {
    struct str user;
    const struct str *history; /* oldest first, at most 200 */
    size_t history_n;
    const struct str *exclude; /* must not be recommended, beside the history; may be none */
    size_t exclude_n;
    int n_rec; /* 1..1000 */
};

struct client_reply {
    enum client_status status;
    const struct str *items; /* n of them, all different, best first */
    size_t n;                /* 0 <= n <= n_rec; 0 unless GOOD */
    /* Who says so, by the headers Weir-Model and Weir-Model-Version: text of at most
     * CLIENT_NAME_BYTES, absent if the service does not tell. */
    struct str model, version;
};

enum { CLIENT_NAME_BYTES = 64 };

/* Gets an answer, borrowed for the call. Called from client_poll only. It may call client_ask. */
typedef void client_answer(void *ctx, const struct client_reply *reply);

struct client; /* of one thread */

/* client_new checks the url; it connects with the first batch. NULL with e set when the url
 * cannot be used. metrics get infer_requests_total{status=""}, infer_asks_total{status=""},
 * infer_retries_total, infer_seconds, infer_breaker_open. */
MUST_CHECK struct client *client_new(const struct client_conf *conf, struct metrics *m,
                                     struct err *e);

/* client_free drops what is in flight without calling back. NULL is fine. */
void client_free(struct client *c);

/* client_ask takes an ask; answer(ctx, ...) follows from a later client_poll, within the budget. */
void client_ask(struct client *c, const struct client_ask *ask, client_answer *answer, void *ctx);

/* client_hurry says that no more asks follow: those gathered do not wait for them. */
void client_hurry(struct client *c);

/* client_poll sends, receives and answers what it can; if nothing can be done at once it waits
 * up to wait_ms for the network or its own timers (0 = never waits). */
void client_poll(struct client *c, int64_t wait_ms);

/* client_room is how many more asks can go out without waiting behind others: whoever asks only
 * while there is room gives each ask its whole budget. 0 = full. */
size_t client_room(const struct client *c);

/* client_pending is the number of asks that still wait for their answer. 0: client_poll has
 * nothing to do. */
size_t client_pending(const struct client *c);

/* client_trouble says in words what the last failed request met, for a log line; "" = nothing so
 * far. */
const char *client_trouble(const struct client *c);

/* client_drop forgets all pending asks; their answers are never called. Not from within an
 * answer. */
void client_drop(struct client *c);

#endif
