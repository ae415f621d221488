/* An ask waits in the gathering batch until that is full or has waited long enough; the batch then
 * waits for an idle connection, is sent, and comes back with answers or a failure:
 *
 *     client_ask -> gathering -> waiting -> (post) -> answers
 *                                  ^           |
 *                                  +-- retry --+   later, with full jitter; or in two halves
 *
 * Retries draw their pause from 0 .. base * 2^tries (M. Brooker, "Exponential Backoff and
 * Jitter", AWS 2015), so that many clients do not come back at once. A batch that the service
 * refused as such (status 400, 413, 422, 500 or a malformed reply) is retried in halves: one ask
 * that the service cannot digest must not cost the others their answer. The budget runs from
 * client_ask; where it ends, or the breaker opens, all that waits ends. */
#include "inference-client/client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/mem.h"
#include "inference-client/breaker.h"
#include "inference-client/codec.h"
#include "inference-client/post.h"

enum {
    BATCH_MAX = 64,
    BATCH_BYTES = 48 << 10, /* weir-infer takes 64 KiB; a refused one is retried in halves */
    BACKOFF_MS = 50,
    BACKOFF_MAX_MS = 1000,
    HISTORY_MAX = 200,
    EXCLUDE_MAX = 1000,
    N_REC_MAX = 1000,
    REQUEST_MAX_BYTES = 64 << 20, /* 64 users with the longest lists of the longest ids need less */
    TROUBLE_BYTES = 200,
};

#define ROW(key, kind, def, low, high, field, text)                                                \
    {                                                                                              \
        "infer", key, kind, def, text, offsetof(struct client_conf, field), low, high, NULL        \
    }

const struct config_row client_rows[] = {
    ROW("url", CONFIG_STR, "http://127.0.0.1:8000", 0, 0, url, "the inference service"),
    ROW("algorithm", CONFIG_STR, "transitions", 0, 0, algorithm, "asked by POST {url}/{algorithm}"),
    ROW("timeout", CONFIG_DURATION, "1s", 1, 60000, timeout_ms, "of one attempt"),
    ROW("budget", CONFIG_DURATION, "2s", 1, 600000, budget_ms, "of an ask, with all its attempts"),
    ROW("batch", CONFIG_INT, "64", 1, BATCH_MAX, batch, "users in one request, at most"),
    ROW("batch_wait_ms", CONFIG_INT, "5", 0, 1000, batch_wait_ms,
        "how long a request waits for more users"),
    ROW("connections", CONFIG_INT, "4", 1, 64, connections, "requests in flight, at most"),
    ROW("breaker_failures", CONFIG_INT, "5", 1, 1000, breaker_failures,
        "failures in a row that stop all requests"),
    ROW("breaker_pause", CONFIG_DURATION, "2s", 1, 600000, breaker_pause_ms,
        "for how long, before one request probes"),
    {0},
};

/* One ask, copied with all that it points to into one allocation. */
struct ask {
    struct client_ask is;
    client_answer *answer;
    void *ctx;
    struct ask *next;
};

struct batch {
    struct ask *first, **last;
    size_t n, bytes;     /* of its ids, about */
    int64_t deadline_ms; /* of its oldest ask */
    int64_t due_ms;      /* not sent before; of the gathering one: when it is closed */
    int tries;
    enum client_status why; /* the last attempt failed */
    struct batch *next;
};

struct client {
    struct client_conf conf; /* its strings are the caller's */
    struct post *post;       /* own */
    struct breaker breaker;
    struct batch *gathering;              /* own; NULL = none */
    struct batch *waiting, **waiting_end; /* own; in order of arrival */
    size_t pending, answered;
    struct buf body;
    uint64_t random;
    char trouble[TROUBLE_BYTES];
    struct metric *asks[CLIENT_STATUS_N], *requests[CLIENT_STATUS_N], *seconds, *retries, *broken;
};

const char *client_reason(enum client_status s)
{
    static const char *const words[CLIENT_STATUS_N] = {
        "good", "timeout", "unreachable", "http", "malformed", "oversized", "breaker"};
    return words[s];
}

const char *client_trouble(const struct client *c)
{
    return c->trouble;
}

size_t client_pending(const struct client *c)
{
    return c->pending;
}

size_t client_room(const struct client *c)
{
    size_t most = (size_t)(c->conf.connections * c->conf.batch);
    return c->pending < most ? most - c->pending : 0;
}

/* xorshift64* (S. Vigna, 2014): for jitter only. */
static int64_t jitter(struct client *c, int64_t max)
{
    c->random ^= c->random >> 12;
    c->random ^= c->random << 25;
    c->random ^= c->random >> 27;
    return (int64_t)((c->random * UINT64_C(2685821657736338717)) >> 33) % (max + 1);
}

/* -- asks and batches -- */

static size_t ids_bytes(const struct str *ids, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += ids[i].len;
    return bytes;
}

/* As JSON, with a quote or comma here and there. */
static size_t ask_bytes(const struct client_ask *a)
{
    return a->user.len + ids_bytes(a->history, a->history_n) + ids_bytes(a->exclude, a->exclude_n) +
           3 * (1 + a->history_n + a->exclude_n);
}

static struct str copy_id(char **to, struct str id)
{
    struct str copy = {*to, id.len};
    memcpy(*to, id.at, id.len);
    *to += id.len;
    return copy;
}

static struct ask *ask_new(const struct client_ask *what, client_answer *answer, void *ctx)
{
    size_t ids_n = what->history_n + what->exclude_n;
    size_t bytes = what->user.len + ids_bytes(what->history, what->history_n) +
                   ids_bytes(what->exclude, what->exclude_n);
    struct ask *a = mem_zero(1, sizeof *a + ids_n * sizeof(struct str) + bytes);
    struct str *ids = (struct str *)(a + 1);
    char *text = (char *)(ids + ids_n);
    *a = (struct ask){.is = *what, .answer = answer, .ctx = ctx};
    a->is.user = copy_id(&text, what->user);
    a->is.history = ids;
    for (size_t i = 0; i < what->history_n; i++) *ids++ = copy_id(&text, what->history[i]);
    a->is.exclude = ids;
    for (size_t i = 0; i < what->exclude_n; i++) *ids++ = copy_id(&text, what->exclude[i]);
    return a;
}

static struct batch *batch_new(int64_t deadline_ms, int64_t due_ms)
{
    struct batch *b = mem_zero(1, sizeof *b);
    *b = (struct batch){.deadline_ms = deadline_ms, .due_ms = due_ms, .last = &b->first};
    return b;
}

static void batch_add(struct batch *b, struct ask *a)
{
    *b->last = a;
    b->last = &a->next;
    b->n++;
}

static void batch_free(struct batch *b)
{
    if (!b) return;
    for (struct ask *a = b->first, *next; a; a = next) {
        next = a->next;
        free(a);
    }
    free(b);
}

static void wait_in_line(struct client *c, struct batch *b)
{
    b->next = NULL;
    *c->waiting_end = b;
    c->waiting_end = &b->next;
}

static void close_gathering(struct client *c)
{
    struct batch *b = c->gathering;
    if (!b) return;
    c->gathering = NULL;
    b->due_ms = 0;
    wait_in_line(c, b);
}

void client_ask(struct client *c, const struct client_ask *ask, client_answer *answer, void *ctx)
{
    assert(ask->n_rec >= 1 && ask->n_rec <= N_REC_MAX);
    assert(ask->history_n <= HISTORY_MAX && ask->exclude_n <= EXCLUDE_MAX);
    size_t bytes = ask_bytes(ask);
    if (c->gathering &&
        (c->gathering->first->is.n_rec != ask->n_rec || c->gathering->bytes + bytes > BATCH_BYTES))
        close_gathering(c);
    int64_t now_ms = clock_now_ms();
    if (!c->gathering)
        c->gathering = batch_new(now_ms + c->conf.budget_ms, now_ms + c->conf.batch_wait_ms);
    batch_add(c->gathering, ask_new(ask, answer, ctx));
    c->gathering->bytes += bytes;
    c->pending++;
    if (c->gathering->n == (size_t)c->conf.batch) close_gathering(c);
}

void client_hurry(struct client *c)
{
    close_gathering(c);
}

/* -- what becomes of a batch -- */

static void answer(struct client *c, const struct ask *a, const struct client_reply *reply)
{
    c->pending--;
    c->answered++;
    metrics_add(c->asks[reply->status], 1);
    a->answer(a->ctx, reply);
}

static void give_up(struct client *c, struct batch *b, enum client_status why)
{
    const struct client_reply reply = {.status = why};
    for (struct ask *a = b->first; a; a = a->next) answer(c, a, &reply);
    batch_free(b);
}

/* One name for all n users, or one for each, separated by commas. */
static struct str name_of(struct str names, size_t user, size_t n)
{
    struct str rest = names, name = {0};
    size_t pieces = 0;
    for (; rest.at; pieces++) {
        struct str piece = str_trim(str_cut(&rest, ','));
        if (pieces == 0 || pieces == user) name = piece;
    }
    bool good = (pieces == 1 || pieces == n) && name.len > 0 && name.len <= CLIENT_NAME_BYTES;
    return good && str_is_text(name) ? name : (struct str){0};
}

static void give_answers(struct client *c, struct batch *b, const struct codec_reply *rows,
                         const struct post_result *r)
{
    size_t user = 0;
    for (struct ask *a = b->first; a; a = a->next, user++) {
        struct client_reply reply = {.status = CLIENT_GOOD,
                                     .model = name_of(r->model, user, b->n),
                                     .version = name_of(r->version, user, b->n)};
        reply.items = codec_row(rows, user, &reply.n);
        answer(c, a, &reply);
    }
    batch_free(b);
}

static void retry_in_halves(struct client *c, struct batch *b)
{
    size_t half = b->n / 2;
    struct batch *parts[2] = {batch_new(b->deadline_ms, 0), batch_new(b->deadline_ms, 0)};
    for (struct ask *a = b->first, *next; a; a = next) {
        next = a->next;
        a->next = NULL;
        batch_add(parts[parts[0]->n == half], a);
    }
    for (int i = 0; i < 2; i++) {
        parts[i]->tries = b->tries;
        parts[i]->why = b->why;
        wait_in_line(c, parts[i]);
    }
    free(b);
}

static bool refused_as_such(enum client_status s, long http)
{
    if (s == CLIENT_MALFORMED || s == CLIENT_OVERSIZED) return true;
    return s == CLIENT_HTTP && (http == 400 || http == 413 || http == 422 || http == 500);
}

/* A status that the same request would meet again. */
static bool final(enum client_status s, long http)
{
    return s == CLIENT_HTTP && http < 500 && http != 408 && http != 429;
}

static void retry(struct client *c, struct batch *b, const struct post_result *r)
{
    if (b->n > 1 && refused_as_such(b->why, r->http_status)) {
        retry_in_halves(c, b);
        return;
    }
    int shift = b->tries < 6 ? b->tries : 6;
    int64_t most = (int64_t)BACKOFF_MS << shift;
    int64_t pause = jitter(c, most < BACKOFF_MAX_MS ? most : BACKOFF_MAX_MS);
    if (pause < r->retry_after_ms) pause = r->retry_after_ms;
    b->due_ms = clock_now_ms() + pause;
    if (final(b->why, r->http_status) || b->due_ms >= b->deadline_ms)
        give_up(c, b, b->why);
    else
        wait_in_line(c, b);
}

static void failed(struct client *c, struct batch *b, enum client_status why,
                   const struct post_result *r)
{
    breaker_bad(&c->breaker, clock_now_ms());
    metrics_set(c->broken, breaker_open(&c->breaker));
    if (r->http_status)
        snprintf(c->trouble, sizeof c->trouble, "%s: HTTP status %ld", client_reason(why),
                 r->http_status);
    else
        snprintf(c->trouble, sizeof c->trouble, "%s: %s", client_reason(why), r->text);
    b->why = why;
    b->tries++;
    retry(c, b, r);
}

static void on_done(void *ctx, void *ticket, const struct post_result *r)
{
    struct client *c = ctx;
    struct batch *b = ticket;
    struct codec_reply reply;
    enum client_status status = r->status;
    if (status == CLIENT_GOOD && !codec_decode(&reply, r->body, b->n, b->first->is.n_rec))
        status = CLIENT_MALFORMED;
    metrics_add(c->requests[status], 1);
    metrics_observe_us(c->seconds, r->took_us);
    if (status != CLIENT_GOOD) {
        failed(c, b, status, r);
        return;
    }
    breaker_good(&c->breaker);
    metrics_set(c->broken, 0);
    give_answers(c, b, &reply, r);
    codec_finish(&reply);
}

static void send_batch(struct client *c, struct batch *b, int64_t now_ms)
{
    const struct client_ask *asks[BATCH_MAX];
    size_t n = 0;
    for (const struct ask *a = b->first; a; a = a->next) asks[n++] = &a->is;
    buf_clear(&c->body);
    codec_request(&c->body, asks, n);
    assert(!c->body.overflow);
    if (b->tries) metrics_add(c->retries, 1);
    int64_t left_ms = b->deadline_ms - now_ms;
    post_start(c->post, b, &c->body, left_ms < c->conf.timeout_ms ? left_ms : c->conf.timeout_ms,
               codec_reply_max(n, asks[0]->n_rec));
}

/* -- the loop -- */

/* Sends the batch, ends it, or puts it in line again. */
static void consider(struct client *c, struct batch *b, int64_t now_ms)
{
    bool ready = now_ms >= b->due_ms && post_idle(c->post) > 0;
    if (now_ms >= b->deadline_ms)
        give_up(c, b, b->tries ? b->why : CLIENT_TIMEOUT);
    else if (ready && breaker_admits(&c->breaker, now_ms))
        send_batch(c, b, now_ms);
    else if (breaker_open(&c->breaker))
        give_up(c, b, b->tries ? b->why : CLIENT_BREAKER);
    else
        wait_in_line(c, b);
}

static void step(struct client *c)
{
    int64_t now_ms = clock_now_ms();
    if (c->gathering && now_ms >= c->gathering->due_ms) close_gathering(c);
    struct batch *all = c->waiting;
    c->waiting = NULL;
    c->waiting_end = &c->waiting;
    for (struct batch *next; all; all = next) {
        next = all->next;
        consider(c, all, now_ms);
    }
    post_poll(c->post, 0);
}

/* When the next batch is due, to close, to send or to end. */
static int64_t next_due_ms(const struct client *c)
{
    int64_t due_ms = c->gathering ? c->gathering->due_ms : INT64_MAX;
    bool idle = post_idle(c->post) > 0;
    for (const struct batch *b = c->waiting; b; b = b->next) {
        int64_t at_ms = idle ? b->due_ms : b->deadline_ms;
        if (at_ms < due_ms) due_ms = at_ms;
    }
    return due_ms;
}

void client_poll(struct client *c, int64_t wait_ms)
{
    size_t answered = c->answered;
    step(c);
    if (wait_ms <= 0 || c->answered != answered || c->pending == 0) return;
    int64_t left_ms = next_due_ms(c) - clock_now_ms();
    if (left_ms < wait_ms) wait_ms = left_ms;
    post_poll(c->post, wait_ms);
    step(c);
}

/* -- life -- */

static void register_metrics(struct client *c, struct metrics *m)
{
    for (int s = 0; s < CLIENT_STATUS_N; s++) {
        char label[40];
        snprintf(label, sizeof label, "status=\"%s\"", client_reason((enum client_status)s));
        c->asks[s] = metrics_counter(m, "infer_asks_total", label, "asks by how they ended");
        c->requests[s] = metrics_counter(m, "infer_requests_total", label, "requests by outcome");
    }
    c->seconds = metrics_histogram(m, "infer_seconds", "", "time of a request");
    c->retries = metrics_counter(m, "infer_retries_total", "", "requests sent again, or in part");
    c->broken = metrics_gauge(m, "infer_breaker_open", "", "1 while the service counts as broken");
}

static bool check_algorithm(const char *name, struct err *e)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (name[0] && name[strspn(name, good)] == '\0') return true;
    return err_refuse(e, "infer.algorithm: want letters, digits, '_' and '-', not \"%.60s\"", name);
}

struct client *client_new(const struct client_conf *conf, struct metrics *m, struct err *e)
{
    if (!check_algorithm(conf->algorithm, e)) return NULL;
    struct client *c = mem_zero(1, sizeof *c);
    c->conf = *conf;
    c->post = post_new(conf->url, conf->algorithm, (size_t)conf->connections, on_done, c, e);
    if (!c->post) {
        free(c);
        return NULL;
    }
    c->breaker = (struct breaker){.failures_max = conf->breaker_failures,
                                  .pause_ms = conf->breaker_pause_ms};
    c->waiting_end = &c->waiting;
    buf_init(&c->body, REQUEST_MAX_BYTES);
    if (getrandom(&c->random, sizeof c->random, GRND_NONBLOCK) < 0 || c->random == 0) c->random = 1;
    register_metrics(c, m);
    return c;
}

void client_drop(struct client *c)
{
    for (struct batch *b; (b = post_drop(c->post));) batch_free(b);
    close_gathering(c);
    for (struct batch *b = c->waiting, *next; b; b = next) {
        next = b->next;
        batch_free(b);
    }
    c->waiting = NULL;
    c->waiting_end = &c->waiting;
    c->pending = 0;
    breaker_forget(&c->breaker);
}

void client_free(struct client *c)
{
    if (!c) return;
    client_drop(c);
    post_free(c->post);
    buf_finish(&c->body);
    free(c);
}
