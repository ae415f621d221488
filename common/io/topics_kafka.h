/* Weir's topics: names, settings, creation and checks at start. */
#ifndef WEIR_IO_TOPICS_KAFKA_H
#define WEIR_IO_TOPICS_KAFKA_H

#include "io/conf_kafka.h"

struct topics_kafka_conf {
    char
        *prefix; /* "weir": weir-events, weir-panes, weir-late, weir-dead, weir-state; groups too */
    int64_t partitions;  /* of the events topic when it is made */
    int64_t replication; /* 0 = the broker's default (-1) */
    int time; /* create (replays: event time) | append (live traffic: the broker's clock) */
    int64_t retention_ms; /* of the events topic with time = append; replays keep everything */
};

extern const struct config_row topics_kafka_rows[];

enum topics_kafka { TOPICS_EVENTS, TOPICS_PANES, TOPICS_LATE, TOPICS_DEAD, TOPICS_STATE, TOPICS_N };

/* topics_kafka_check refuses a prefix that no topic's name may begin with. */
MUST_CHECK bool topics_kafka_check(const struct topics_kafka_conf *conf, struct err *e);

/* topics_kafka_name returns "<prefix>-events" and so on; the caller frees it. */
char *topics_kafka_name(const struct topics_kafka_conf *conf, enum topics_kafka which);

/* topics_kafka_ensure creates the topics of the set (bits 1 << TOPICS_EVENTS ...) that are missing and checks
 * the settings of those that exist: a wrong one is refused by name. Waits up to 30 s for the brokers. Without
 * the right to create it only checks. An empty set only asks whether the brokers let us in. */
MUST_CHECK bool topics_kafka_ensure(const struct conf_kafka *kafka,
                                    const struct topics_kafka_conf *conf, unsigned set,
                                    struct err *e);

/* topics_kafka_delete deletes the topics of the set and waits until they are gone (weir-reset). */
MUST_CHECK bool topics_kafka_delete(const struct conf_kafka *kafka,
                                    const struct topics_kafka_conf *conf, unsigned set,
                                    struct err *e);

#endif
