/* Wiping what a consumer has made, so that it starts afresh. */
#ifndef WEIR_RESET_RESET_H
#define WEIR_RESET_RESET_H

#include <stdio.h>

#include "io/client_mongo.h"
#include "io/client_redis.h"
#include "io/topics_kafka.h"

struct reset_conf {
    struct conf_kafka kafka;
    struct topics_kafka_conf topics;
    struct client_redis_conf redis;
    struct client_mongo_conf mongo;
    bool yes;
    int64_t wait_ms;
};

struct reset_scope;

/* reset_scope finds "ranking", "recommend", "archive" or "all". NULL with e set (refused) for
 * others. */
MUST_CHECK const struct reset_scope *reset_scope(const char *name, struct err *e);

/* reset_describe writes what a scope deletes, for a person who is to agree. */
void reset_describe(const struct reset_scope *scope, const struct reset_conf *conf, FILE *out);

/* reset_run waits until the groups have no members, then wipes. Killed half-way it can be run
 * again. */
MUST_CHECK bool reset_run(const struct reset_scope *scope, const struct reset_conf *conf,
                          struct err *e);

#endif
