/* What the next transaction will hold: rows, dead letters and, with the commit, the job's position. Kept in memory
 * until Kafka has it, since an aborted transaction is sent again and standard input cannot be read again. */
#ifndef WEIR_REPLAY_OUTBOX_H
#define WEIR_REPLAY_OUTBOX_H

#include "io/sink_kafka.h"

struct outbox_conf {
    const char *events, *dead, *state; /* topics; ref in caller */
    int32_t partitions;
    int64_t rows_per_record; /* 1: a record per row, key = user; more: packed, without key */
};

struct outbox;

/* sink is borrowed for the outbox's life. What was not committed when it ends is aborted. */
struct outbox *outbox_new(const struct outbox_conf *conf, struct sink_kafka *sink);
void outbox_free(struct outbox *o);

/* outbox_row adds a row (its bytes are copied) for a partition. */
void outbox_row(struct outbox *o, int32_t partition, struct str user, struct str row,
                int64_t time_ms);

/* outbox_dead adds a dead letter. */
void outbox_dead(struct outbox *o, struct str key, struct str letter);

/* outbox_bytes is how much waits for a commit. */
size_t outbox_bytes(const struct outbox *o);

/* outbox_full is true at OUTBOX_COMMIT_BYTES, or as many records as librdkafka's queue holds: commit then. */
bool outbox_full(const struct outbox *o);

enum { OUTBOX_COMMIT_BYTES = 16 << 20, OUTBOX_COMMIT_RECORDS = 100000 };

/* outbox_send hands over what is complete before the commit does, whenever there is enough of it. That opens the
 * transaction: only for callers who will soon commit, whatever their input does. False: fenced or fatal. */
MUST_CHECK bool outbox_send(struct outbox *o, struct err *e);

/* outbox_commit sends all of it and the position (key, value in the state topic) in one transaction, again if it is
 * aborted, and empties the outbox. False: fenced or fatal. */
MUST_CHECK bool outbox_commit(struct outbox *o, struct str key, struct str position, struct err *e);

#endif
