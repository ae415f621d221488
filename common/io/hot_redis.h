/* The hot list: the first items of the current ranking in Redis, for whoever needs items that
 * please most. */
#ifndef WEIR_IO_HOT_REDIS_H
#define WEIR_IO_HOT_REDIS_H

#include "flow/slate.h"
#include "io/client_redis.h"

struct hot_redis; /* of one thread */

/* hot_redis_new prepares to read up to n items; it asks Redis with the first look. NULL with e
 * set (refused) for a bad address. */
MUST_CHECK struct hot_redis *hot_redis_new(const struct client_redis_conf *conf, size_t n,
                                           struct err *e);
void hot_redis_free(struct hot_redis *h); /* NULL is fine */

/* hot_redis_look asks again if the last answer is older than a second (when Redis fails: later
 * and later, since a look may then take a moment). False with e set when it asked and got no
 * answer. */
MUST_CHECK bool hot_redis_look(struct hot_redis *h, int64_t now_ms, struct err *e);

/* hot_redis_list is what the last look found, borrowed until the next; empty when Redis is away
 * or has none. */
const struct slate *hot_redis_list(const struct hot_redis *h);

/* hot_redis_version is the version of that ranking; -1 = there was none. */
int64_t hot_redis_version(const struct hot_redis *h);

#endif
