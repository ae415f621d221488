/* The stage of weir-rank: batches -> panes -> windows -> Redis, then the offset. */
#ifndef WEIR_RANK_RANK_H
#define WEIR_RANK_RANK_H

#include "base/daemon.h"
#include "flow/watermark.h"
#include "flow/window.h"
#include "io/client_redis.h"
#include "io/source_kafka.h"
#include "io/topics_kafka.h"

struct rank_conf {
    struct conf_kafka kafka;
    struct topics_kafka_conf topics;
    struct source_kafka_conf group;
    struct watermark_conf time;
    struct window_conf window;
    struct client_redis_conf redis;
    int64_t memory_bytes; /* [limits] memory */
};

extern const struct config_row rank_rows[];

/* rank_check is part of -t. */
MUST_CHECK bool rank_check(const struct rank_conf *conf, struct err *e);

struct rank;

/* Makes sure of the topics, reads the epoch and becomes a member of the group. conf must outlive it. NULL with e set
 * when it cannot begin. */
MUST_CHECK struct rank *rank_new(const struct rank_conf *conf, struct daemon *d, struct err *e);
void rank_free(struct rank *r); /* NULL is fine */

struct source *rank_source(struct rank *r); /* lent */
struct stage rank_stage(struct rank *r);

#endif
