/* One partition that a consumer has been given, and the records waiting for it. A part of source_kafka. */
#ifndef WEIR_IO_PARTITION_KAFKA_H
#define WEIR_IO_PARTITION_KAFKA_H

#include "base/metrics.h"
#include "flow/source.h"
#include "io/trouble_kafka.h"

struct rd_kafka_queue_s;
struct rd_kafka_topic_s;
struct rd_kafka_topic_partition_s;

enum { PARTITION_KAFKA_CHUNK = 256 }; /* to be set as consume.callback.max.messages */

struct partition_kafka {
    int32_t id;
    int64_t next;                   /* offset of the next record; what is below is stale */
    bool waiting;                   /* there may be records left in the queue */
    struct rd_kafka_queue_s *queue; /* own */
    struct metric *lag;             /* ref in metrics */
};

/* The reader, for one call. */
struct partition_kafka_reader {
    struct rd_kafka_s *rk;          /* ref */
    struct rd_kafka_topic_s *topic; /* ref */
    struct trouble_kafka *trouble;  /* ref */
    const struct stage *stage;      /* ref */
    const bool *stop;               /* ref: read no further once this is true */
    bool *out_of_range; /* ref; set, and no more read, when the brokers do not have the position */
};

/* partition_kafka_take makes the partition's queue its own and lets it write to wakeup_fd when it stops being empty. */
void partition_kafka_take(struct partition_kafka *p, struct rd_kafka_s *rk,
                          const struct rd_kafka_topic_partition_s *given, int wakeup_fd,
                          struct metrics *metrics);
void partition_kafka_drop(struct partition_kafka *p);

/* partition_kafka_read hands over about max waiting records, as long as the stage wants them. Never waits. */
MUST_CHECK bool partition_kafka_read(struct partition_kafka *p,
                                     const struct partition_kafka_reader *reader, size_t max,
                                     size_t *ret_n, struct err *e);

/* partition_kafka_wanted is the stage's answer. */
bool partition_kafka_wanted(const struct partition_kafka *p, const struct stage *stage);

/* partition_kafka_show_lag sets the metric, from what was last heard of the partition's end. */
void partition_kafka_show_lag(const struct partition_kafka *p, struct rd_kafka_s *rk,
                              const char *topic);

/* partition_kafka_behind tells whether records are there that have not been read; the last transaction's marker, which
 * nobody reads, is none. */
bool partition_kafka_behind(const struct partition_kafka *p, struct rd_kafka_s *rk,
                            const char *topic);

#endif
