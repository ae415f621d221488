/* A source: the partitions of one topic as a member of one consumer group sees them. Implementations:
 * io/source_kafka (the real one), tests/flow/source_file (a directory with one file per partition). */
#ifndef WEIR_FLOW_SOURCE_H
#define WEIR_FLOW_SOURCE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Lent to the stage for the call only. */
struct record {
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;  /* of the record; -1 = none */
    bool log_append;       /* the timestamp is the broker's, not the producer's */
    struct str key, value; /* absent: null */
};

enum { CHECKPOINT_METADATA_BYTES = 256, CHECKPOINT_NONE = -1 };

/* Where a partition stands in its group: the next offset, and what a restart needs beside it. */
struct checkpoint {
    int32_t partition;
    int64_t offset;                           /* CHECKPOINT_NONE = nothing committed */
    char metadata[CHECKPOINT_METADATA_BYTES]; /* text, "" = none */
};

enum commit {
    COMMIT_DONE,
    COMMIT_REFUSED, /* the partitions are no longer ours: drop what is in hand, a rebalance follows */
    COMMIT_FAILED, /* nobody knows; the same commit may be tried again */
};

/* What a daemon makes of its partitions. `self` is its first argument everywhere. Functions that return
 * bool end the loop when they return false, with e set. The assignor is eager: assigned() names all
 * partitions that are ours from now on, revoked() takes all of them. */
struct stage {
    void *self;
    /* Partitions came, with what the group has committed for each (n may be 0). Set each offset to where
     * reading starts. */
    bool (*assigned)(void *self, struct checkpoint *parts, size_t n, struct err *e);
    /* Partitions go. Not lost: finish or drop what is in flight, commit what is complete. Lost: forget. */
    bool (*revoked)(void *self, bool lost, struct err *e);
    /* One record, in order of its partition. */
    bool (*record)(void *self, const struct record *r, struct err *e);
    /* The end of a partition was reached: offset is the next one that will be written. Repeated after
     * every catch-up. */
    void (*end)(void *self, int32_t partition, int64_t offset);
    /* Back-pressure: may records of this partition come now? NULL = always. */
    bool (*wants)(void *self, int32_t partition);
    /* Timers, flushes, commits. Called after every round of reads. Sets *ret_wait_ms (preset to 100) to
     * how long nothing is due. */
    bool (*tick)(void *self, int64_t now_ms, int64_t *ret_wait_ms, struct err *e);
};

struct source {
    const struct source_kind *kind;
};

struct source_kind {
    bool (*poll)(struct source *s, const struct stage *stage, int64_t wait_ms, struct err *e);
    bool (*read)(struct source *s, const struct stage *stage, size_t max, struct err *e);
    enum commit (*commit)(struct source *s, const struct checkpoint *parts, size_t n,
                          struct err *e);
    bool (*reload)(struct source *s, struct err *e);
    bool (*committed)(struct source *s, struct checkpoint *parts, size_t n, struct err *e);
    int64_t (*first_offset)(struct source *s, int32_t partition, struct err *e);
    int32_t (*partition_n)(struct source *s);
    bool (*leave)(struct source *s, const struct stage *stage, struct err *e);
    void (*free)(struct source *s);
};

/* source_poll serves the group (assigned and revoked are called from here only) and waits up to wait_ms
 * for records or group events. */
MUST_CHECK bool source_poll(struct source *s, const struct stage *stage, int64_t wait_ms,
                            struct err *e);

/* source_read hands up to max waiting records of each wanted partition to the stage. Never waits. */
MUST_CHECK bool source_read(struct source *s, const struct stage *stage, size_t max, struct err *e);

/* source_commit commits synchronously. FAILED sets e to the reason; clear it to try again. */
MUST_CHECK enum commit source_commit(struct source *s, const struct checkpoint *parts, size_t n,
                                     struct err *e);

/* source_reload forgets the position of all own partitions: the next source_poll calls revoked(lost) and
 * assigned() with what is committed, as after a rebalance. For stages whose transaction was aborted. */
MUST_CHECK bool source_reload(struct source *s, struct err *e);

/* source_committed fills in the group's committed offset and metadata of any partitions (own or not). */
MUST_CHECK bool source_committed(struct source *s, struct checkpoint *parts, size_t n,
                                 struct err *e);

/* source_first_offset returns where the configured `start` (earliest, latest or a timestamp) begins in a
 * partition; -1 with e set when it cannot be asked. */
int64_t source_first_offset(struct source *s, int32_t partition, struct err *e);

/* source_partition_n returns how many partitions the topic has, as last seen. */
int32_t source_partition_n(struct source *s);

/* source_leave leaves the group in good order: revoked() is called if anything is assigned. */
MUST_CHECK bool source_leave(struct source *s, const struct stage *stage, struct err *e);

void source_free(struct source *s); /* NULL is fine */

#endif
