/* One partition of the log as weir-recommend sees it: its clock and line, and the rows of each
 * interval that is not served yet. Pure: no store, no broker, no time of day. The essay is in
 * rounds.c. */
#ifndef WEIR_RECOMMEND_ROUNDS_H
#define WEIR_RECOMMEND_ROUNDS_H

#include "base/map.h"
#include "flow/history.h"
#include "flow/watermark.h"

struct rounds_conf {
    int64_t interval_ms;
    struct watermark_conf time;
};

/* What the log before a record has decided. */
struct rounds_state {
    int64_t clock_ms; /* greatest event time; WATERMARK_NONE = no row yet */
    int64_t line_ms;  /* every interval that ends here or before is closed; WATERMARK_NONE */
};

#define ROUNDS_NO_CUT INT64_MIN

/* Where a restart begins: an offset, and what belongs to it. */
struct rounds_mark {
    int64_t offset;
    struct rounds_state state; /* before the record at offset */
    int64_t done_ms;           /* all rounds up to here are acknowledged; WATERMARK_NONE */
    int64_t cut_offset;        /* before the record at or behind it ... ROUNDS_NO_CUT = none */
    int64_t cut_line_ms;       /* ... the line rises to this */
};

/* The rows of one user in one bucket. */
struct rounds_user {
    struct str user;            /* own */
    struct history_entry *rows; /* own, texts too; in order of position */
    size_t n, cap;
    enum { ROUNDS_OPEN, ROUNDS_TAKEN, ROUNDS_SERVED } state;
};

/* The rows with one due. */
struct rounds_bucket {
    int64_t due_ms;
    int64_t offset;            /* of the first row */
    struct rounds_state state; /* before the record at offset */
    struct rounds_user *users; /* own; in order of their first row */
    size_t n, cap;
    size_t first, left; /* the first user and the number of users that are not served */
    struct map index;   /* user -> index into users */
};

struct rounds {
    const struct rounds_conf *conf; /* ref in caller */
    int32_t partition;
    struct rounds_state now, before; /* before: the record that is being read */
    int64_t next_offset, done_ms, fence_ms;
    int64_t cut_offset, cut_line_ms;
    bool cut_pending;               /* proposed, not known to be committed */
    struct rounds_bucket **buckets; /* own; by due */
    size_t n, cap, row_n;
};

void rounds_init(struct rounds *r, const struct rounds_conf *conf, int32_t partition,
                 const struct rounds_mark *mark);
void rounds_finish(struct rounds *r);

/* --- reading: one record after the other ------------------------------------------------------ */

/* rounds_begin starts the record at offset; not while a cut is pending. */
void rounds_begin(struct rounds *r, int64_t offset);

enum rounds_verdict {
    ROUNDS_LATE, /* beyond the lateness: not for us */
    ROUNDS_DONE, /* its round is acknowledged */
    ROUNDS_KEPT,
};

/* rounds_row decides about one good row of the record and keeps a copy if it is due. */
enum rounds_verdict rounds_row(struct rounds *r, const struct event *event);

/* rounds_reach says that everything before offset was read (a record's end, or the partition's). */
void rounds_reach(struct rounds *r, int64_t offset);

/* --- committing ------------------------------------------------------------------------------- */

/* rounds_mark tells what to commit now. */
struct rounds_mark rounds_mark(const struct rounds *r);

/* rounds_committed says that a commit of rounds_mark succeeded after the last change of r. */
void rounds_committed(struct rounds *r);

/* rounds_closed is true if a closed round is not served yet; rounds_fenced if a commit must free
 * one. */
bool rounds_closed(const struct rounds *r);
bool rounds_fenced(const struct rounds *r);

/* rounds_cut proposes to close all open intervals at next_offset, since the partition is idle;
 * false if there is nothing to close or a closed one is not served yet. It takes effect with
 * rounds_committed. */
bool rounds_cut(struct rounds *r);

/* --- serving ---------------------------------------------------------------------------------- */

/* A user of a round, to be served; borrowed until rounds_served. */
struct rounds_due {
    struct rounds *of;
    struct rounds_bucket *bucket;
    size_t index;
};

struct rounds_user *rounds_due_user(const struct rounds_due *due);

/* rounds_take takes up to max users of closed and committed rounds, oldest rounds first, passing
 * over users in busy or elsewhere (NULL = nobody); those taken are entered in busy. Returns how many. */
size_t rounds_take(struct rounds *r, struct rounds_due *dues, size_t max, struct map *busy,
                   const struct map *elsewhere);

/* rounds_return says that a user who was taken is not served now. */
void rounds_return(const struct rounds_due *due);

/* rounds_served says that the effects of one taken user are acknowledged by the stores. Returns
 * how many rounds that finished. */
size_t rounds_served(const struct rounds_due *due);

#endif
