/* How a reader of several partitions sleeps, and keeps librdkafka fetching. A part of source_kafka.
 *
 * The thread that fetches stops when the queues of all partitions are full. librdkafka 2.0.2 looks at them again only when
 * the thread wakes for some other reason, up to a second later, however soon they are empty. So a reader who has
 * emptied them and knows that there is more naps, and if nothing comes asks the leaders a question: that wakes the
 * thread. Nobody waits for the answer. */
#ifndef WEIR_IO_FETCH_KAFKA_H
#define WEIR_IO_FETCH_KAFKA_H

#include "io/partition_kafka.h"

struct fetch_kafka {
    int64_t nap_ms; /* doubled each time that the question was in vain; 0 = the shortest */
};

/* What is read, lent for one call. */
struct fetch_kafka_of {
    struct rd_kafka_s *rk;
    const char *topic;
    const struct partition_kafka *parts;
    size_t n;
    const struct stage *stage;
};

/* fetch_kafka_sleep waits until wakeup_fd, which the queues write to, can be read, and reads it. At most wait_ms; a reader
 * of partitions that are wanted and behind is back sooner. */
void fetch_kafka_sleep(struct fetch_kafka *f, const struct fetch_kafka_of *of, int wakeup_fd,
                       int64_t wait_ms);

#endif
