/* A Kafka topic with recorded traffic, as it is when the replay begins, as bytes for struct rows: "topic:NAME". */
#ifndef WEIR_REPLAY_INPUT_TOPIC_H
#define WEIR_REPLAY_INPUT_TOPIC_H

#include "io/conf_kafka.h"
#include "io/rows.h"

/* input_topic reads all of the topic (name is lent for the input's life) into memory, at most max_bytes, merged by
 * record time; the order within a partition stays. It is the same each time as long as nothing is deleted. */
MUST_CHECK bool input_topic(const struct conf_kafka *kafka, const char *name, int64_t max_bytes,
                            struct rows_input *ret, struct err *e);

#endif
