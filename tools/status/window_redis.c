#include "status/window_redis.h"

#include <hiredis/hiredis.h>

static bool number(const redisReply *r, int64_t *ret_value)
{
    return r->type == REDIS_REPLY_STRING && str_int64((struct str){r->str, r->len}, ret_value);
}

bool window_redis_read(struct client_redis *c, const char *key, struct view_window *w,
                       struct err *e)
{
    const struct str hmget[] = {
        str_of("HMGET"),      str_of(key),       str_of("window_start"),
        str_of("window_end"), str_of("version"), str_of("events"),
        str_of("complete"),   str_of("n"),       str_of("published_at"),
    };
    const redisReply *reply;
    if (client_redis_ask(c, hmget, COUNT_OF(hmget), &reply, e) != CLIENT_REDIS_DONE)
        return err_set(e, "redis: no answer");
    int64_t complete = 0;
    int64_t *fields[] = {&w->start_ms, &w->end_ms, &w->version,     &w->events,
                         &complete,    &w->items,  &w->published_ms};
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != COUNT_OF(fields))
        return err_set(e, "redis: %s holds no ranking of Weir's", key);
    w->exists = reply->element[1]->type != REDIS_REPLY_NIL;
    if (!w->exists) return true;
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (!number(reply->element[i], fields[i]))
            return err_set(e, "redis: %s holds no ranking of Weir's", key);
    w->complete = complete == 1;
    return true;
}
