/* A wave serves users of closed rounds together: their documents are read at once, asked for at
 * once, stored at once. It is a chain of small steps, so that its caller's loop goes on
 * meanwhile. The essay is in wave.c. */
#ifndef WEIR_RECOMMEND_WAVE_H
#define WEIR_RECOMMEND_WAVE_H

#include "base/metrics.h"
#include "flow/weights.h"
#include "inference-client/client.h"
#include "io/hot_redis.h"
#include "io/recommendations_mongo.h"
#include "recommend/cache.h"
#include "recommend/rounds.h"

struct wave_conf {
    size_t k, n;  /* length of a history, of a slate */
    bool patient; /* wait for the inference service instead of serving the hot list */
    struct weights rewards;
    const char *model; /* ref: the name that documents carry */
};

/* All refs, alive as long as the wave. */
struct wave_parts {
    struct users_mongo *users;
    struct recommendations_mongo *recommendations;
    struct hot_redis *hot;
    struct client *client;
    struct cache *cache;
    struct metrics *metrics;
};

struct wave;

struct wave *wave_new(const struct wave_conf *conf, const struct wave_parts *parts);
void wave_free(struct wave *w); /* NULL is fine */

/* wave_start takes users of closed and committed rounds of n partitions who are not in the other wave (NULL = there is
 * none); beside another one it must have a quarter of what fits. True if it took some. Not while busy. */
bool wave_start(struct wave *w, struct rounds *const *parts, size_t n, const struct wave *other);

/* wave_busy is true from wave_start until all effects on its users are acknowledged. */
bool wave_busy(const struct wave *w);

/* wave_asking is true from wave_start until the inference service has answered. */
bool wave_asking(const struct wave *w);

/* wave_pauses is true while the next step waits until what failed is tried again. */
bool wave_pauses(const struct wave *w, int64_t now_ms);

/* wave_halfway is true while some effects are stored and others, which need nothing but the stores, are not. */
bool wave_halfway(const struct wave *w);

/* wave_step does what can be done now, or waits for the network a little if it may; lowers *ret_wait_ms to when the next step is due. What
 * may pass (a store is away) is tried again later, and wave_trouble tells. False with e set when
 * it cannot go on. */
MUST_CHECK bool wave_step(struct wave *w, int64_t now_ms, bool may_wait, int64_t *ret_wait_ms,
                          struct err *e);

/* wave_trouble is what the last step failed with, "" when it went well. */
const char *wave_trouble(const struct wave *w);

/* wave_drop forgets the users in hand and all cached documents; the rounds still hold the users. */
void wave_drop(struct wave *w);

#endif
