/* What the errors of a Kafka client mean for its daemon. */
#ifndef WEIR_IO_TROUBLE_KAFKA_H
#define WEIR_IO_TROUBLE_KAFKA_H

#include <stdint.h>

#include "base/err.h"

struct rd_kafka_s;
struct rd_kafka_topic_s;

struct trouble_kafka {
    const char *comp;      /* of log lines, static */
    const char *subject;   /* ref: the topic it reads or its transactional.id, "" = none */
    struct rd_kafka_s *rk; /* ref */
    int64_t complained_ms; /* when the last one was logged; 0 = never */
    int64_t away_ms;       /* when a broker was last found to be away; 0 = never */
    int64_t missing_ms;    /* since when the topic is missing; 0 = it is not */
    int64_t asked_ms;      /* when the brokers were last asked about that */
};

/* trouble_kafka_log logs an error that may pass by itself, at most one in 10 s. */
void trouble_kafka_log(struct trouble_kafka *t, int code, const char *text);

/* trouble_kafka_fatal sets e to the client's fatal error: fenced when a twin took its place. Returns false; so it
 * does, with nothing set, when there is none. Brokers that come back fence a client whose session or transaction
 * has timed out meanwhile as if it had a twin: that is an error like any other. */
bool trouble_kafka_fatal(struct trouble_kafka *t, struct err *e);

/* trouble_kafka_gone is false with e set (refused) when a topic that a consumer reads has been unknown to its brokers
 * for too long: librdkafka would wait for it for ever. For every round of polling; it asks the brokers only when the
 * topic was found missing. */
bool trouble_kafka_gone(struct trouble_kafka *t, struct rd_kafka_topic_s *topic, struct err *e);

/* trouble_kafka_judge sorts an error of a consumer: logged, or false with e set when the daemon must end. */
bool trouble_kafka_judge(struct trouble_kafka *t, int code, const char *text, struct err *e);

#endif
