/* The client that is one member of a consumer group, from its settings to its end. A part of source_kafka. */
#ifndef WEIR_IO_MEMBER_KAFKA_H
#define WEIR_IO_MEMBER_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "io/source_kafka.h"

struct member_kafka {
    rd_kafka_t *rk; /* own */
    int64_t session_ms, max_poll_ms;
    int64_t polled_ms, awake_ms;
};

typedef void member_kafka_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                                    rd_kafka_topic_partition_list_t *list, void *opaque);

/* The source's own handlers, for its rebalances and errors. */
struct member_kafka_handlers {
    member_kafka_rebalance *rebalance;
    void (*error)(rd_kafka_t *rk, int code, const char *text, void *opaque);
    void *opaque; /* ref */
};

/* member_kafka_open makes the client; it has not joined yet. False with e set. member_kafka_end frees it. */
MUST_CHECK bool member_kafka_open(struct member_kafka *m, const struct source_kafka_spec *spec,
                                  const struct member_kafka_handlers *handlers, struct err *e);

/* member_kafka_polled is to be called after each poll of the group. */
void member_kafka_polled(struct member_kafka *m);

/* member_kafka_overdue: the client has given its membership up by now, since nobody polled. What it still calls its
 * generation must not be used. */
bool member_kafka_overdue(const struct member_kafka *m);

/* member_kafka_leave leaves the group; rebalance is called for the partitions that are still held. */
void member_kafka_leave(struct member_kafka *m, const struct member_kafka_handlers *handlers);

/* member_kafka_end frees the client; false when it had to be left to the end of the process. */
bool member_kafka_end(struct member_kafka *m, bool topic_missing);

#endif
