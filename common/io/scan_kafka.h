/* A topic as it stands: where its partitions begin and end, and its committed records, read
 * once. No member of a group, nothing committed: for the tools. */
#ifndef WEIR_IO_SCAN_KAFKA_H
#define WEIR_IO_SCAN_KAFKA_H

#include "flow/source.h"
#include "io/conf_kafka.h"

struct scan_kafka; /* of one thread */

/* scan_kafka_new connects with the first question. NULL with e set for a bad configuration. */
MUST_CHECK struct scan_kafka *scan_kafka_new(const struct conf_kafka *conf, struct err *e);
void scan_kafka_free(struct scan_kafka *s); /* NULL is fine */

/* Offsets of a partition. Between any two may lie nothing that a reader sees: transactions leave
 * marks. */
struct scan_kafka_part {
    int32_t partition;
    int64_t first; /* of what is still stored */
    int64_t end;   /* behind the last record whose fate is known (the last stable offset) */
    int64_t high;  /* behind the last record; greater than end while a transaction is open */
    int64_t from;  /* where scan_kafka_read begins; preset to first */
};

/* scan_kafka_parts lists the partitions of a topic; the caller frees *ret_parts. None if there
 * is no such topic. */
MUST_CHECK bool scan_kafka_parts(struct scan_kafka *s, const char *topic,
                                 struct scan_kafka_part **ret_parts, size_t *ret_n, struct err *e);

/* Gets one record, lent for the call. False = no more of this partition. */
typedef bool scan_kafka_record(void *ctx, const struct record *r);

/* scan_kafka_read hands over the committed records of every partition from `from` up to `end`,
 * in the order of each partition. */
MUST_CHECK bool scan_kafka_read(struct scan_kafka *s, const char *topic,
                                const struct scan_kafka_part *parts, size_t n,
                                scan_kafka_record *record, void *ctx, struct err *e);

#endif
