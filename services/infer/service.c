#include "infer/service.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/http_server.h"
#include "base/mem.h"
#include "infer/contract_json.h"
#include "infer/transitions.h"

enum { BODY_MAX_BYTES = 4 << 20, REPLY_MAX_BYTES = 32 << 20, REQUEST_MAX_MS = 20000 };

#define ROW(name, fallback, field, help)                                                           \
    "infer", name, CONFIG_STR, fallback, help, offsetof(struct service_conf, field)

const struct config_row service_rows[] = {
    {ROW("listen", "127.0.0.1:8000", listen, "where POST /transitions is answered")},
    {ROW("model", "weir.model", model, "the model file that weir-fit made")},
    {0},
};

struct service {
    struct model model;
    struct transitions *transitions; /* own; used by the server's only thread */
    struct http_server *http;        /* own */
    struct metric *requests[2], *users, *seconds;
    atomic_uint_fast64_t begun, ended;
    uint64_t ended_seen;
};

static void answer_detail(struct http_reply *reply, int status, const char *detail)
{
    reply->status = status;
    contract_json_detail(&reply->body, detail);
}

static void answer_user(struct service *s, const struct contract_json_request *r,
                        const struct contract_json_user *u, struct buf *out)
{
    uint32_t items[TRANSITIONS_N_MAX];
    const struct transitions_ask ask = {u->items, u->items_n, u->exclude, u->exclude_n, r->n_rec};
    size_t n = transitions_rank(s->transitions, &ask, items);
    buf_add(out, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add(out, ",", 1);
        contract_json_id(out, r, model_id(&s->model, items[i]));
    }
    buf_add(out, "]", 1);
}

static void answer_all(struct service *s, struct str body, struct http_reply *reply)
{
    struct contract_json_request r;
    const char *wrong;
    if (!contract_json_read(&r, body, &wrong)) {
        answer_detail(reply, 422, wrong);
        return;
    }
    buf_add(&reply->body, "[", 1);
    for (size_t i = 0; i < r.users_n; i++) {
        if (i) buf_add(&reply->body, ",", 1);
        answer_user(s, &r, &r.users[i], &reply->body);
    }
    buf_add(&reply->body, "]", 1);
    metrics_add(s->users, (int64_t)r.users_n);
    contract_json_finish(&r);
}

static void handle(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct service *s = ctx;
    int64_t begun_us = clock_now_us();
    atomic_fetch_add(&s->begun, 1);
    reply->content_type = "application/json";
    if (strcmp(request->path, "/transitions") != 0)
        answer_detail(reply, 404, "wrong algorithm.");
    else if (strcmp(request->method, "POST") != 0)
        answer_detail(reply, 405, "Method Not Allowed");
    else
        answer_all(s, request->body, reply);
    metrics_add(s->requests[reply->status == 200], 1);
    metrics_observe_us(s->seconds, clock_now_us() - begun_us);
    atomic_fetch_add(&s->ended, 1);
}

static void register_metrics(struct service *s, struct metrics *m)
{
    const char *help = "requests answered";
    s->requests[0] = metrics_counter(m, "infer_served_total", "good=\"no\"", help);
    s->requests[1] = metrics_counter(m, "infer_served_total", "good=\"yes\"", help);
    s->users = metrics_counter(m, "infer_users_total", "", "users answered");
    s->seconds = metrics_histogram(m, "infer_served_seconds", "", "time of an answer");
    metrics_set(metrics_gauge(m, "infer_model_items", "", "items of the model"), s->model.items_n);
}

struct service *service_new(const struct service_conf *conf, struct metrics *m, struct err *e)
{
    struct service *s = mem_zero(1, sizeof *s);
    if (!model_open(&s->model, conf->model, e)) {
        free(s);
        return NULL;
    }
    register_metrics(s, m);
    s->transitions = transitions_new(&s->model);
    s->http = http_server_new(&(struct http_server_conf){.listen = conf->listen,
                                                         .threads = 1,
                                                         .body_max_bytes = BODY_MAX_BYTES,
                                                         .reply_max_bytes = REPLY_MAX_BYTES,
                                                         .request_max_ms = REQUEST_MAX_MS,
                                                         .handler = handle,
                                                         .ctx = s},
                              e);
    if (s->http) return s;
    service_free(s);
    return NULL;
}

void service_free(struct service *s)
{
    if (!s) return;
    http_server_free(s->http);
    transitions_free(s->transitions);
    model_close(&s->model);
    free(s);
}

int service_port(const struct service *s)
{
    return http_server_port(s->http);
}

bool service_moves(struct service *s)
{
    uint64_t ended = atomic_load(&s->ended);
    bool moves = ended != s->ended_seen || ended == atomic_load(&s->begun);
    s->ended_seen = ended;
    return moves;
}
