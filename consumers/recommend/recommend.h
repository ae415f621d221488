/* weir-recommend's stage: rows into rounds, rounds into waves, and the commits between. */
#ifndef WEIR_RECOMMEND_RECOMMEND_H
#define WEIR_RECOMMEND_RECOMMEND_H

#include "consumers/input.h"
#include "flow/watermark.h"
#include "inference-client/client.h"
#include "io/client_mongo.h"
#include "io/client_redis.h"

struct recommend_conf {
    struct input_conf input;
    struct watermark_conf time;
    struct client_mongo_conf mongo;
    struct client_redis_conf redis;
    struct client_conf infer;
    struct recommend_own {
        int64_t interval_ms, k, n;
        int on_failure; /* hot | wait */
        bool allow_moved_users;
        char *behaviors; /* [reward] */
        int64_t behavior_default;
        int64_t rows_max, users_max; /* [limits] */
    } own;
};

extern const struct config_row recommend_rows[]; /* of struct recommend_own */

/* recommend_check is true for a configuration that recommend_new will take. */
MUST_CHECK bool recommend_check(const struct recommend_conf *conf, struct err *e);

struct recommend;

/* recommend_new makes the stage and its stores; it connects later. conf, in and d must outlive
 * it. NULL with e set for what an operator must change. */
MUST_CHECK struct recommend *recommend_new(const struct recommend_conf *conf, struct input *in,
                                           struct daemon *d, struct err *e);
void recommend_free(struct recommend *r); /* NULL is fine */

struct stage recommend_stage(struct recommend *r);

#endif
