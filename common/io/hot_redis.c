#include "io/hot_redis.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FRESH_MS = 1000, PAUSE_MAX_MS = 3000, TIMEOUT_MAX_MS = 250, LAST_BYTES = 24 };

struct hot_redis {
    struct client_redis_conf conf; /* a look must not take long: its own timeout */
    struct client_redis *client;   /* own */
    char *order;                   /* own: the key of the list */
    char last[LAST_BYTES];         /* index of the last item wanted */
    size_t n;
    int64_t next_look_ms, pause_ms;
    int64_t version;
    struct slate *list; /* own */
};

struct hot_redis *hot_redis_new(const struct client_redis_conf *conf, size_t n, struct err *e)
{
    struct hot_redis *h = mem_zero(1, sizeof *h);
    h->conf = *conf;
    if (h->conf.timeout_ms > TIMEOUT_MAX_MS) h->conf.timeout_ms = TIMEOUT_MAX_MS;
    h->order = mem_printf("%s:order", conf->key);
    snprintf(h->last, sizeof h->last, "%zu", n - 1);
    h->n = n;
    h->version = -1;
    h->list = slate_new(SLATE_HOT, NULL, 0);
    h->client = client_redis_new(&h->conf, "weir-recommend", e);
    if (h->client) return h;
    hot_redis_free(h);
    return NULL;
}

void hot_redis_free(struct hot_redis *h)
{
    if (!h) return;
    client_redis_free(h->client);
    free(h->order);
    free(h->list);
    free(h);
}

const struct slate *hot_redis_list(const struct hot_redis *h)
{
    return h->list;
}

int64_t hot_redis_version(const struct hot_redis *h)
{
    return h->version;
}

static void keep(struct hot_redis *h, int64_t version, const struct str *items, size_t n)
{
    free(h->list);
    h->list = slate_new(SLATE_HOT, items, n);
    h->version = version;
}

static bool item_of(const redisReply *r, struct str *ret_item)
{
    if (r->type != REDIS_REPLY_STRING) return false;
    *ret_item = (struct str){r->str, r->len};
    return r->len >= 1 && r->len <= EVENT_KEY_MAX && str_is_text(*ret_item);
}

/* The answer of EXEC: [version, [item, ...]]; anything else is no ranking of ours. */
static bool read_answer(struct hot_redis *h, const redisReply *r, struct str *items)
{
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2) return false;
    const redisReply *version = r->element[0], *list = r->element[1];
    if (list->type != REDIS_REPLY_ARRAY || list->elements > h->n) return false;
    int64_t number = -1;
    bool known = version->type == REDIS_REPLY_STRING;
    if (known && !str_int64((struct str){version->str, version->len}, &number)) return false;
    for (size_t i = 0; i < list->elements; i++)
        if (!item_of(list->element[i], &items[i])) return false;
    keep(h, known ? number : -1, items, known ? list->elements : 0);
    return true;
}

/* Version and items in one transaction, in one round trip: both of the same ranking. */
static const redisReply *ask(struct hot_redis *h, struct err *e)
{
    const struct str multi[] = {str_of("MULTI")}, exec[] = {str_of("EXEC")};
    const struct str hget[] = {str_of("HGET"), str_of(h->conf.key), str_of("version")};
    const struct str lrange[] = {str_of("LRANGE"), str_of(h->order), str_of("0"), str_of(h->last)};
    if (client_redis_send(h->client, multi, COUNT_OF(multi), e) != CLIENT_REDIS_DONE ||
        client_redis_send(h->client, hget, COUNT_OF(hget), e) != CLIENT_REDIS_DONE ||
        client_redis_send(h->client, lrange, COUNT_OF(lrange), e) != CLIENT_REDIS_DONE ||
        client_redis_send(h->client, exec, COUNT_OF(exec), e) != CLIENT_REDIS_DONE)
        return NULL;
    const redisReply *reply = NULL;
    for (int i = 0; i < 4; i++)
        if (client_redis_receive(h->client, &reply, e) != CLIENT_REDIS_DONE) return NULL;
    return reply;
}

bool hot_redis_look(struct hot_redis *h, int64_t now_ms, struct err *e)
{
    if (now_ms < h->next_look_ms) return true;
    const redisReply *reply = ask(h, e);
    struct str *items = mem_zero(h->n, sizeof *items);
    bool good = reply && read_answer(h, reply, items);
    free(items);
    if (reply && !good)
        err_set(e, "redis: %s and %s hold no ranking of Weir's", h->conf.key, h->order);
    if (!good) keep(h, -1, NULL, 0);
    h->pause_ms = good || !h->pause_ms ? FRESH_MS : h->pause_ms * 2;
    if (h->pause_ms > PAUSE_MAX_MS) h->pause_ms = PAUSE_MAX_MS;
    h->next_look_ms = now_ms + h->pause_ms;
    return good;
}
