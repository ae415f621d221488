/* Consumer groups as they look from outside, to a client that is no member: for the tools. */
#ifndef WEIR_IO_GROUPS_KAFKA_H
#define WEIR_IO_GROUPS_KAFKA_H

#include "flow/source.h"
#include "io/conf_kafka.h"

struct groups_kafka; /* of one thread */

/* groups_kafka_new connects with the first question. NULL with e set for a bad configuration. */
MUST_CHECK struct groups_kafka *groups_kafka_new(const struct conf_kafka *conf, struct err *e);
void groups_kafka_free(struct groups_kafka *g); /* NULL is fine */

/* groups_kafka_committed fills in offset and metadata that a group has committed for partitions
 * of a topic: CHECKPOINT_NONE where there is nothing, or no such group. */
MUST_CHECK bool groups_kafka_committed(struct groups_kafka *g, const char *group, const char *topic,
                                       struct checkpoint *parts, size_t n, struct err *e);

/* groups_kafka_members counts the members of a group; 0 if there is no such group. A member that
 * was killed counts until its session has timed out. */
MUST_CHECK bool groups_kafka_members(struct groups_kafka *g, const char *group, size_t *ret_n,
                                     struct err *e);

/* groups_kafka_delete forgets a group and its offsets; one that is not there is fine. A group
 * with members stays and sets *ret_busy. */
MUST_CHECK bool groups_kafka_delete(struct groups_kafka *g, const char *group, bool *ret_busy,
                                    struct err *e);

#endif
