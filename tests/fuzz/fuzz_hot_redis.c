/* What Redis answers when it is asked for the hot list: a list of ids, or nothing. */
#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "flow/event.h"
#include "fuzz.h"
#include "io/hot_redis.h"

enum { ITEMS = 4 };

/* --- stands in for io/client_redis.c: the input is all that the server says ------------------------------- */

static redisReader *reader;
static void *reply;

struct client_redis *client_redis_new(const struct client_redis_conf *conf, const char *name,
                                      struct err *e)
{
    (void)conf, (void)name, (void)e;
    return (struct client_redis *)reader;
}

void client_redis_free(struct client_redis *c)
{
    (void)c;
}

enum client_redis_answer client_redis_send(struct client_redis *c, const struct str *args, size_t n,
                                           struct err *e)
{
    (void)c, (void)args, (void)n, (void)e;
    return CLIENT_REDIS_DONE;
}

enum client_redis_answer client_redis_receive(struct client_redis *c, const redisReply **ret_reply,
                                              struct err *e)
{
    (void)c;
    if (reply) freeReplyObject(reply);
    reply = NULL;
    bool good = redisReaderGetReply(reader, &reply) == REDIS_OK && reply;
    *ret_reply = reply;
    if (good) return CLIENT_REDIS_DONE;
    err_set(e, "redis: no answer");
    return CLIENT_REDIS_RETRY;
}

/* --- the target ------------------------------------------------------------------------------------------- */

/* hiredis 0.14 makes room for as many elements as the server announces, 8 bytes each: that is the library's, and the
 * server's word. */
static bool announces_much(const uint8_t *at, size_t n)
{
    size_t digits = 0;
    bool list = false;
    for (size_t i = 0; i < n; i++) {
        list = at[i] == '*' || (list && at[i] != '\n');
        digits = list && at[i] >= '0' && at[i] <= '9' ? digits + 1 : 0;
        if (digits > 6) return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    if (announces_much(at, n)) return 0;
    const struct client_redis_conf conf = {.key = "{weir:popular}"};
    struct err e = {0};
    reader = redisReaderCreate();
    redisReaderFeed(reader, (const char *)at, n);
    struct hot_redis *h = hot_redis_new(&conf, ITEMS, &e);
    bool good = hot_redis_look(h, 0, &e);
    const struct slate *list = hot_redis_list(h);
    assert(good == !e.status && list->n <= ITEMS && (good || list->n == 0));
    for (size_t i = 0; i < list->n; i++) {
        assert(list->items[i].len >= 1 && list->items[i].len <= EVENT_KEY_MAX);
        assert(str_is_text(list->items[i]));
    }
    hot_redis_free(h);
    if (reply) freeReplyObject(reply);
    reply = NULL;
    redisReaderFree(reader);
    return 0;
}
