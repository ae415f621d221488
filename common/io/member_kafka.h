/* The client that is one member of a consumer group, from its settings to its end. A part of source_kafka. */
#ifndef WEIR_IO_MEMBER_KAFKA_H
#define WEIR_IO_MEMBER_KAFKA_H

#include "io/source_kafka.h"

struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_op_s; /* an event */

struct member_kafka {
    struct rd_kafka_s *rk; /* own */
    int64_t session_ms, max_poll_ms;
    int64_t polled_ms, awake_ms;
};

/* member_kafka_open makes the client of a configuration that has the source's callbacks, and takes that. It has not joined
 * yet. False with e set. member_kafka_end frees it. */
MUST_CHECK bool member_kafka_open(struct member_kafka *m, const struct source_kafka_spec *spec,
                                  struct rd_kafka_conf_s *rk_conf, struct err *e);

/* member_kafka_polled is to be called after each poll of the group. */
void member_kafka_polled(struct member_kafka *m);

/* member_kafka_overdue: the client has given its membership up by now, since nobody polled. What it still calls its
 * generation must not be used. */
bool member_kafka_overdue(const struct member_kafka *m);

/* member_kafka_leave leaves the group; what is still to be said about partitions comes to serve. */
void member_kafka_leave(struct member_kafka *m,
                        void (*serve)(void *ctx, struct rd_kafka_op_s *event), void *ctx);

/* member_kafka_end frees the client; false when it had to be left to the end of the process. */
bool member_kafka_end(struct member_kafka *m, bool topic_missing);

#endif
