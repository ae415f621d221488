#ifndef WEIR_RESET_WIPE_REDIS_H
#define WEIR_RESET_WIPE_REDIS_H

#include "io/client_redis.h"

/* wipe_redis deletes the ranking: the key and those that are made of it (io/sink_redis.h). */
MUST_CHECK bool wipe_redis(const struct client_redis_conf *conf, struct err *e);

#endif
