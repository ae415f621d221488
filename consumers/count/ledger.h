/* What weir-count knows about its partitions: how far they are decided, their clocks, who sleeps, who ran ahead. All of
 * it goes into the lines of a batch and into the metadata of its commit. */
#ifndef WEIR_COUNT_LEDGER_H
#define WEIR_COUNT_LEDGER_H

#include "flow/batch.h"
#include "flow/source.h"
#include "flow/watermark.h"
#include "flow/window.h"

struct account {
    int32_t partition;
    int64_t from;     /* where the next batch begins: what is committed */
    int64_t offset;   /* everything below it is decided, */
    int64_t row;      /* and so many rows of the record at it */
    int64_t clock_ms; /* greatest event time so far; WATERMARK_NONE = no row yet */
    int64_t start;    /* the offset that the group began with */
    int64_t
        since_ms; /* panes from here on are complete; INT64_MIN = all, INT64_MAX = not known yet */
    int64_t counted_n; /* rows since the start, for people */
    bool at_end, idle;
    int64_t end_ms; /* processing time of the end */
};

struct ledger_conf {
    const struct window_conf *window;  /* ref in caller */
    const struct watermark_conf *time; /* ref in caller */
    int64_t epoch;                     /* of the rankings */
    int64_t rules;                     /* digest of what else decides about rows */
};

struct ledger {
    struct ledger_conf conf;
    struct account *at; /* own; ascending partitions */
    size_t n;
    bool changed; /* a line differs from what the last batch told */
    int64_t
        least_ms; /* least clock of our partitions that are not idle; WATERMARK_NONE = none has one */
};

void ledger_init(struct ledger *l, const struct ledger_conf *conf);
void ledger_finish(struct ledger *l);

/* ledger_first writes the metadata of a partition of which nothing was read yet. */
void ledger_first(const struct ledger_conf *conf, char metadata[CHECKPOINT_METADATA_BYTES]);

/* ledger_open takes partitions as they were committed; refuses another epoch, slide or rules. */
MUST_CHECK bool ledger_open(struct ledger *l, const struct checkpoint *parts, size_t n,
                            struct err *e);
void ledger_close(struct ledger *l); /* forgets them */

/* ledger_account returns the account of one of our partitions. */
struct account *ledger_account(struct ledger *l, int32_t partition);

/* ledger_row says that row `index` of the record at an offset is decided, ledger_record the whole record, ledger_end
 * that the partition ends there. */
void ledger_row(struct ledger *l, struct account *a, int64_t offset, int32_t index);
void ledger_record(struct ledger *l, struct account *a, int64_t offset);
void ledger_end(struct ledger *l, struct account *a, int64_t offset, int64_t now_ms);

/* ledger_seen notes the time of a good row. */
void ledger_seen(struct ledger *l, struct account *a, int64_t time_ms);

/* ledger_time puts partitions to sleep that have been at their end for long enough. may_read(ctx, partition)
 * tells which may be read at all: one that is not read cannot be known to be quiet. */
void ledger_time(struct ledger *l, int64_t now_ms, bool (*may_read)(void *ctx, int32_t partition),
                 void *ctx);

/* ledger_lines adds a line per partition to b, of = partitions of weir-events. ledger_marks fills in n
 * checkpoints for the commit. ledger_told says that both are committed. */
void ledger_lines(const struct ledger *l, int32_t of, struct batch *b);
void ledger_marks(const struct ledger *l, struct checkpoint *marks);
void ledger_told(struct ledger *l);

#endif
