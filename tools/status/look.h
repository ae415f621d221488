/* Looking: at groups and topics in Kafka, at the window in Redis, at the collections in MongoDB. */
#ifndef WEIR_STATUS_LOOK_H
#define WEIR_STATUS_LOOK_H

#include "io/client_mongo.h"
#include "io/client_redis.h"
#include "io/topics_kafka.h"
#include "status/balance.h"
#include "status/view.h"

struct look_conf {
    struct conf_kafka kafka;
    struct topics_kafka_conf topics;
    struct client_redis_conf redis;
    struct client_mongo_conf mongo;
};

struct look;

/* conf must outlive it. NULL with e set (refused) for a bad configuration. */
MUST_CHECK struct look *look_new(const struct look_conf *conf, struct err *e);
void look_free(struct look *l); /* NULL is fine */

/* look_at fills a zeroed view (asked is kept) and judges it. False with e set when Kafka does
 * not answer; what Redis and MongoDB fail to answer stands in the view. */
MUST_CHECK bool look_at(struct look *l, struct view *v, struct err *e);

/* look_balance finds the terms of the two sums: reads the topics of late and dead rows from
 * their beginnings, and takes what was counted from the view. */
MUST_CHECK bool look_balance(struct look *l, const struct view *v, struct balance *b,
                             struct err *e);

#endif
