/* A Kafka producer: transactional (what belongs together appears together) or merely idempotent. */
#ifndef WEIR_IO_SINK_KAFKA_H
#define WEIR_IO_SINK_KAFKA_H

#include "base/metrics.h"
#include "base/patience.h"
#include "flow/source.h"
#include "io/conf_kafka.h"

struct sink_kafka;

struct sink_kafka_spec {
    const struct conf_kafka *kafka;
    const char *transactional_id; /* NULL: idempotent, no transactions */
    int64_t transaction_ms;       /* transaction.timeout.ms */
    struct metrics *metrics;      /* ref; may be NULL */
    struct patience patience;     /* with brokers that are away */
};

/* With a transactional_id this ends the predecessor's open transaction (init_transactions, up to 60 s). */
MUST_CHECK struct sink_kafka *sink_kafka_new(const struct sink_kafka_spec *spec, struct err *e);
void sink_kafka_free(struct sink_kafka *s);

enum txn {
    TXN_DONE,
    TXN_ABORTED, /* nothing of it will ever be seen: forget it, reload what is committed, go on */
    TXN_FAILED, /* fenced or fatal: e is set (err_fenced when a twin took over); leave the process */
};

struct sink_kafka_message {
    const char *topic;
    int32_t partition;     /* -1: murmur2_random of the key */
    struct str key, value; /* absent key = null; bytes are copied */
    int64_t timestamp_ms;  /* 0 = now */
};

/* A transaction: begin, put..., offsets (consumers only), commit. Any call may answer ABORTED (the transaction
 * is aborted already) or FAILED. Commit with an unknown outcome is asked again until it is known. */
MUST_CHECK enum txn sink_kafka_begin(struct sink_kafka *s, struct err *e);
MUST_CHECK enum txn sink_kafka_put(struct sink_kafka *s, const struct sink_kafka_message *m,
                                   struct err *e);
MUST_CHECK enum txn sink_kafka_offsets(struct sink_kafka *s, struct source *source,
                                       const struct checkpoint *parts, size_t n, struct err *e);
MUST_CHECK enum txn sink_kafka_commit(struct sink_kafka *s, struct err *e);
MUST_CHECK enum txn sink_kafka_abort(struct sink_kafka *s, struct err *e);

/* Without transactions: put as above (never ABORTED), then flush; false = something was not delivered, or, with
 * *ret_waiting (NULL is fine) set, not yet: nothing is known before a flush that waits for nothing any more. */
MUST_CHECK bool sink_kafka_flush(struct sink_kafka *s, int64_t timeout_ms, bool *ret_waiting,
                                 struct err *e);

/* sink_kafka_partition_of is where Java's and our producers put a key: murmur2, & 0x7fffffff, % n. */
int32_t sink_kafka_partition_of(struct str key, int32_t partition_n);

#endif
