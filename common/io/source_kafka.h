/* The real source: one topic, one consumer group, read_committed, offsets committed only on demand. */
#ifndef WEIR_IO_SOURCE_KAFKA_H
#define WEIR_IO_SOURCE_KAFKA_H

#include "base/metrics.h"
#include "base/patience.h"
#include "flow/source.h"
#include "io/conf_kafka.h"

/* [group]: shared by the consumers. */
struct source_kafka_conf {
    char *start;        /* earliest | latest | a time: where a group without offsets begins */
    int64_t session_ms; /* session.timeout */
};

extern const struct config_row source_kafka_rows[];

/* source_kafka_check is true for a configuration that source_kafka_new will take. */
MUST_CHECK bool source_kafka_check(const struct source_kafka_conf *conf, struct err *e);

struct source_kafka_spec {
    const struct conf_kafka *kafka;
    const struct source_kafka_conf *conf;
    const char *topic, *group;
    const char *static_id; /* group.instance.id; NULL = a moving member */
    struct metrics *
        metrics; /* ref: rows of lag (offsets behind the end, per partition), commits, rebalances */
    struct patience patience; /* with brokers that are away */
};

/* Makes a member of the group; it joins with the first source_poll. Freed by source_free. */
MUST_CHECK struct source *source_kafka_new(const struct source_kafka_spec *spec, struct err *e);

struct rd_kafka_consumer_group_metadata_s;

/* source_kafka_group lends what identifies the member in its present generation, for a producer's transaction; NULL
 * while nothing is assigned. source_kafka_topic is the source's topic. For sink_kafka only. */
struct rd_kafka_consumer_group_metadata_s *source_kafka_group(struct source *s);
const char *source_kafka_topic(const struct source *s);

/* source_kafka_group_committed reads offset and metadata that another group has committed for one
 * partition of a topic (weir-count looks at weir-rank's). */
MUST_CHECK bool source_kafka_group_committed(struct source *s, const char *group, const char *topic,
                                             struct checkpoint *part, struct err *e);

/* source_kafka_trim deletes the topic's records of a partition below offset (DeleteRecords). */
MUST_CHECK bool source_kafka_trim(struct source *s, int32_t partition, int64_t offset,
                                  struct err *e);

/* source_kafka_poll_age_ms is how long ago the group was last polled. */
int64_t source_kafka_poll_age_ms(const struct source *s);

#endif
