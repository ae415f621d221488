/* The position of a replay job, kept in weir-state in the transaction that holds the rows before it. */
#ifndef WEIR_REPLAY_BOOKMARK_H
#define WEIR_REPLAY_BOOKMARK_H

#include "base/buf.h"
#include "base/err.h"
#include "io/rows.h"

struct bookmark {
    struct str job, name; /* of the job; of the file. Lent by whoever made or decoded it */
    int64_t epoch;        /* source.epoch */
    int64_t partitions;   /* of the events topic */
    uint64_t options;     /* digest of what gives the offset its meaning */
    int64_t loop;         /* passes done */
    struct rows_place place;
    int64_t first_ms,
        last_ms; /* least and greatest event time of the file so far: --loop shifts by them */
    int64_t sent, rejected;               /* rows of the job so far */
    int64_t before_sent, before_rejected; /* the same of its runs before --restart, in this epoch */
};

/* bookmark_encode writes the record into out (cleared first). */
void bookmark_encode(const struct bookmark *b, struct buf *out);

/* bookmark_decode reads a record; strings are lent from it. Anything but a whole record of this version or the one before
 * it is refused. */
MUST_CHECK bool bookmark_decode(struct bookmark *b, struct str record, struct err *e);

#endif
