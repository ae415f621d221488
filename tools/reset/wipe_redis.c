#include "reset/wipe_redis.h"

#include <stdlib.h>

#include "base/mem.h"

bool wipe_redis(const struct client_redis_conf *conf, struct err *e)
{
    static const char *const suffixes[] = {"", ":items", ":order", ":history", ":versions"};
    struct client_redis *c = client_redis_new(conf, "weir-reset", e);
    if (!c) return false;
    char *keys[COUNT_OF(suffixes)];
    struct str del[COUNT_OF(suffixes) + 1] = {str_of("DEL")};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        keys[i] = mem_printf("%s%s", conf->key, suffixes[i]);
        del[i + 1] = str_of(keys[i]);
    }
    const struct redisReply *reply;
    bool good = client_redis_ask(c, del, COUNT_OF(del), &reply, e) == CLIENT_REDIS_DONE;
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) free(keys[i]);
    client_redis_free(c);
    return good;
}
