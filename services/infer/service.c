#include "infer/service.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/health.h"
#include "base/http_server.h"
#include "base/mem.h"
#include "infer/contract_json.h"
#include "infer/crew.h"
#include "infer/registry.h"
#include "infer/split.h"

enum {
    BODY_MAX_BYTES = 64 << 10,
    REPLY_MAX_BYTES = 64 << 20,
    REQUEST_MAX_MS = 20000,
    HEADER_MAX_BYTES = 16 << 10,
    SPLITS_MAX = 16,
};

#define ROW(section, name, kind, fallback, help, field, ...)                                       \
    {                                                                                              \
        section, name, kind, fallback, help, offsetof(struct service_conf, field), __VA_ARGS__     \
    }

const struct config_row service_rows[] = {
    ROW("infer", "listen", CONFIG_STR, "127.0.0.1:8000", "where POST /MODEL is answered", listen,
        0),
    ROW("infer", "models", CONFIG_STR, "models",
        "the directory of the models that weir-fit made, each one in a directory of its name",
        models, 0),
    ROW("infer", "threads", CONFIG_INT, "2",
        "that answer; as many share the users of a long request", threads, 1, 64),
    ROW("ab", NULL, CONFIG_PAIRS, "",
        "POST /NAME splits its users between models: NAME = MODEL:50,MODEL:50", ab, 0),
    {0},
};

struct service {
    struct registry *registry; /* own */
    struct split splits[SPLITS_MAX];
    size_t splits_n;
    struct health *health;    /* ref in caller */
    struct crew *crew;        /* own; as many as answer besides */
    struct http_server *http; /* own */
    struct metric *requests[2], *users, *users_unknown, *items_unknown, *seconds;
    atomic_uint_fast64_t begun, ended;
    uint64_t ended_seen;
};

static void answer_detail(struct http_reply *reply, int status, const char *detail)
{
    reply->status = status;
    reply->content_type = "application/json";
    contract_json_detail(&reply->body, detail);
}

/* -- one question -- */

/* Who answers: one model, or the arms of a split. */
struct panel {
    const struct split *split; /* NULL = one model */
    struct registry_entry *entries[SPLIT_ARMS_MAX];
    size_t n;
};

static const struct split *find_split(const struct service *s, const char *name)
{
    for (size_t i = 0; i < s->splits_n; i++)
        if (strcmp(s->splits[i].name, name) == 0) return &s->splits[i];
    return NULL;
}

static void panel_return(struct service *s, struct panel *p)
{
    for (size_t i = 0; i < p->n; i++) registry_return(s->registry, p->entries[i]);
}

static bool panel_take(struct service *s, struct panel *p, const char *name)
{
    *p = (struct panel){.split = find_split(s, name)};
    size_t wanted = p->split ? p->split->arms_n : 1;
    for (size_t i = 0; i < wanted; i++) {
        struct registry_entry *entry =
            registry_take(s->registry, p->split ? p->split->arms[i].model : name);
        if (!entry) break;
        p->entries[p->n++] = entry;
    }
    if (p->n == wanted) return true;
    panel_return(s, p);
    return false;
}

static size_t arm_of(const struct panel *p, struct str user)
{
    return p->split ? split_arm(p->split, user) : 0;
}

static void put_found(struct buf *out, const struct contract_json_request *r, const struct model *m,
                      const struct best_found *found)
{
    if (r->scores) buf_add(out, "[", 1);
    contract_json_id(out, r, ids_at(&m->ids, found->item));
    if (r->scores) buf_printf(out, ",%.17g]", found->score);
}

static struct ranker_ask ask_of(const struct contract_json_request *r,
                                const struct contract_json_user *u)
{
    return (struct ranker_ask){.user = u->id,
                               .items = u->items,
                               .items_n = u->items_n,
                               .exclude = u->exclude,
                               .exclude_n = u->exclude_n,
                               .reconsume = r->reconsume,
                               .n = r->n_rec};
}

static void put_answer(struct service *s, const struct contract_json_request *r,
                       const struct contract_json_user *u, const struct model *m,
                       const struct ranker_answer *answer, struct buf *out)
{
    metrics_add(s->items_unknown, (int64_t)answer->unknown_n);
    metrics_add(s->users_unknown, answer->unknown_n == u->items_n);
    buf_add(out, "[", 1);
    for (size_t i = 0; i < answer->n; i++) {
        if (i) buf_add(out, ",", 1);
        put_found(out, r, m, &answer->found[i]);
    }
    buf_add(out, "]", 1);
}

/* Users in a row on whom one arm answers, as many as a ranker takes at once. */
struct share {
    size_t first, n, arm;
    struct buf out;
};

struct shares {
    struct service *s;
    const struct panel *panel;
    const struct contract_json_request *request;
    struct share *at; /* own */
    size_t n;
};

static void share_out(struct shares *all)
{
    const struct contract_json_request *r = all->request;
    all->at = mem_zero(r->users_n, sizeof all->at[0]);
    for (size_t u = 0; u < r->users_n; u++) {
        size_t arm = arm_of(all->panel, r->users[u].id);
        struct share *last = all->n ? &all->at[all->n - 1] : NULL;
        if (!last || last->arm != arm || last->n == RANKER_ASKS_MAX) {
            last = &all->at[all->n++];
            *last = (struct share){.first = u, .arm = arm};
            buf_init(&last->out, REPLY_MAX_BYTES);
        }
        last->n++;
    }
}

static void answer_share(void *ctx, size_t i)
{
    struct shares *all = ctx;
    struct share *share = &all->at[i];
    const struct contract_json_user *users = all->request->users + share->first;
    struct registry_entry *entry = all->panel->entries[share->arm];
    struct ranker *ranker = registry_ranker(all->s->registry, entry);
    struct ranker_ask asks[RANKER_ASKS_MAX];
    for (size_t u = 0; u < share->n; u++) asks[u] = ask_of(all->request, &users[u]);
    const struct ranker_answer *answers = ranker_rank_all(ranker, asks, share->n);
    for (size_t u = 0; u < share->n; u++) {
        if (share->first + u) buf_add(&share->out, ",", 1);
        put_answer(all->s, all->request, &users[u], entry->model, &answers[u], &share->out);
    }
    registry_ranker_return(all->s->registry, entry, ranker);
}

static void gather(struct shares *all, struct buf *out)
{
    for (size_t i = 0; i < all->n; i++) {
        buf_add_str(out, buf_str(&all->at[i].out));
        out->overflow |= all->at[i].out.overflow;
        buf_finish(&all->at[i].out);
    }
    free(all->at);
}

/* One for all users, or one for each. The caller's reply owns it. */
static char *names(const struct panel *p, const struct contract_json_request *r, bool versions)
{
    struct buf b;
    buf_init(&b, HEADER_MAX_BYTES);
    size_t n = p->split ? r->users_n : 1;
    for (size_t i = 0; i < n; i++) {
        const struct registry_entry *entry = p->entries[p->split ? arm_of(p, r->users[i].id) : 0];
        buf_printf(&b, "%s%s", i ? "," : "", versions ? entry->model->version : entry->name);
    }
    buf_add(&b, "", 1);
    return b.at;
}

static void answer_users(struct service *s, const struct panel *p,
                         const struct contract_json_request *r, struct http_reply *reply)
{
    struct shares all = {.s = s, .panel = p, .request = r};
    share_out(&all);
    crew_share(s->crew, all.n, answer_share, &all);
    buf_add(&reply->body, "[", 1);
    gather(&all, &reply->body);
    buf_add(&reply->body, "]", 1);
    reply->headers[0] = (struct http_reply_header){"Weir-Model", names(p, r, false)};
    reply->headers[1] = (struct http_reply_header){"Weir-Model-Version", names(p, r, true)};
    metrics_add(s->users, (int64_t)r->users_n);
}

static void answer_question(struct service *s, const struct http_request *request,
                            struct http_reply *reply)
{
    struct contract_json_request r;
    struct panel panel;
    const char *wrong;
    reply->content_type = "application/json";
    if (!panel_take(s, &panel, request->path + 1)) {
        answer_detail(reply, 404, "wrong algorithm.");
        return;
    }
    if (strcmp(request->method, "POST") != 0) {
        answer_detail(reply, 405, "Method Not Allowed");
    } else if (!contract_json_read(&r, request->body, &wrong)) {
        answer_detail(reply, 422, wrong);
    } else {
        answer_users(s, &panel, &r, reply);
        contract_json_finish(&r);
    }
    panel_return(s, &panel);
}

/* -- the rest -- */

static void answer_models(struct service *s, const struct http_request *request,
                          struct http_reply *reply)
{
    reply->content_type = "application/json";
    if (strcmp(request->method, "GET") == 0)
        registry_list(s->registry, &reply->body);
    else
        answer_detail(reply, 405, "Method Not Allowed");
}

static void reload(struct service *s, const char *name, struct http_reply *reply)
{
    struct err e = {0};
    if (!registry_load(s->registry, name, &e)) {
        answer_detail(reply, 422, e.text);
        return;
    }
    struct registry_entry *entry = registry_take(s->registry, name);
    reply->content_type = "application/json";
    buf_printf(&reply->body, "{\"name\":\"%s\",\"version\":\"%s\"}", name, entry->model->version);
    registry_return(s->registry, entry);
}

/* /models/NAME/reload */
static void answer_reload(struct service *s, const struct http_request *request,
                          struct http_reply *reply)
{
    struct str rest = str_of(request->path + strlen("/models/")), name = str_cut(&rest, '/');
    char *text = mem_dup(name.at, name.len);
    if (!str_eq(rest, str_of("reload")) || !manifest_json_name(text))
        answer_detail(reply, 404, "want /models or /models/NAME/reload");
    else if (strcmp(request->method, "POST") != 0)
        answer_detail(reply, 405, "Method Not Allowed");
    else
        reload(s, text, reply);
    free(text);
}

static void answer(struct service *s, const struct http_request *request, struct http_reply *reply)
{
    static const char *const of_health[] = {"/metrics", "/healthz", "/readyz"};
    for (size_t i = 0; i < COUNT_OF(of_health); i++)
        if (strcmp(request->path, of_health[i]) == 0) {
            health_answer(s->health, request, reply);
            return;
        }
    if (strcmp(request->path, "/models") == 0)
        answer_models(s, request, reply);
    else if (strncmp(request->path, "/models/", strlen("/models/")) == 0)
        answer_reload(s, request, reply);
    else
        answer_question(s, request, reply);
}

static void handle(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct service *s = ctx;
    int64_t begun_us = clock_now_us();
    atomic_fetch_add(&s->begun, 1);
    answer(s, request, reply);
    metrics_add(s->requests[reply->status == 200], 1);
    metrics_observe_us(s->seconds, clock_now_us() - begun_us);
    atomic_fetch_add(&s->ended, 1);
}

/* -- life -- */

static void register_metrics(struct service *s, struct metrics *m)
{
    const char *help = "requests answered";
    s->requests[0] = metrics_counter(m, "infer_served_total", "good=\"no\"", help);
    s->requests[1] = metrics_counter(m, "infer_served_total", "good=\"yes\"", help);
    s->users = metrics_counter(m, "infer_users_total", "", "users answered");
    s->users_unknown = metrics_counter(m, "infer_users_unknown_total", "",
                                       "users answered none of whose items the model knows");
    s->items_unknown =
        metrics_counter(m, "infer_items_unknown_total", "", "items that the model does not know");
    s->seconds = metrics_histogram(m, "infer_served_seconds", "", "time of an answer");
}

static bool check_arms(struct service *s, const struct split *split, struct err *e)
{
    struct registry_entry *entry = registry_take(s->registry, split->name);
    if (entry) {
        registry_return(s->registry, entry);
        return err_refuse(e, "ab.%s: there is a model of this name", split->name);
    }
    for (size_t i = 0; i < split->arms_n; i++) {
        entry = registry_take(s->registry, split->arms[i].model);
        if (!entry)
            return err_refuse(e, "ab.%s: there is no model %s", split->name, split->arms[i].model);
        registry_return(s->registry, entry);
    }
    return true;
}

static bool read_splits(struct service *s, const struct config_pairs *pairs, struct err *e)
{
    for (size_t i = 0; i < pairs->n; i++) {
        struct split *split = &s->splits[s->splits_n++];
        if (i == SPLITS_MAX) return err_refuse(e, "[ab]: more than %d routes", SPLITS_MAX);
        if (!split_read(split, pairs->at[i].name, pairs->at[i].value, e)) return false;
        if (!check_arms(s, split, e)) return false;
    }
    return true;
}

static bool serve(struct service *s, const struct service_conf *conf, struct err *e)
{
    s->http = http_server_new(&(struct http_server_conf){.listen = conf->listen,
                                                         .threads = (int)conf->threads,
                                                         .body_max_bytes = BODY_MAX_BYTES,
                                                         .reply_max_bytes = REPLY_MAX_BYTES,
                                                         .request_max_ms = REQUEST_MAX_MS,
                                                         .handler = handle,
                                                         .ctx = s},
                              e);
    return s->http != NULL;
}

struct service *service_new(const struct service_conf *conf, struct metrics *m,
                            struct health *health, struct err *e)
{
    struct service *s = mem_zero(1, sizeof *s);
    s->health = health;
    s->crew = crew_new((size_t)conf->threads - 1);
    register_metrics(s, m);
    s->registry = registry_new(conf->models, m, e);
    if (s->registry && read_splits(s, &conf->ab, e) && serve(s, conf, e)) return s;
    service_free(s);
    return NULL;
}

void service_free(struct service *s)
{
    if (!s) return;
    http_server_free(s->http);
    crew_free(s->crew);
    registry_free(s->registry);
    free(s);
}

int service_port(const struct service *s)
{
    return http_server_port(s->http);
}

void service_reload(struct service *s)
{
    registry_load_all(s->registry);
}

bool service_moves(struct service *s)
{
    uint64_t ended = atomic_load(&s->ended);
    bool moves = ended != s->ended_seen || ended == atomic_load(&s->begun);
    s->ended_seen = ended;
    return moves;
}
