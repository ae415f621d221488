/* What weir-status found, and what it makes of it. */
#ifndef WEIR_STATUS_VIEW_H
#define WEIR_STATUS_VIEW_H

#include "flow/source.h"

enum view_daemon { VIEW_ARCHIVE, VIEW_COUNT, VIEW_RANK, VIEW_RECOMMEND, VIEW_DAEMONS };

enum { VIEW_WHY_BYTES = 256 };

/* A partition of a daemon's topic as its group left it. */
struct view_part {
    struct checkpoint committed;
    int64_t end;      /* of what can be read */
    int64_t next;     /* of what it has not done; weir-rank commits less than that */
    int64_t clock_ms; /* greatest event time done; WATERMARK_NONE = not told */
    int64_t counted;  /* rows that weir-count has counted; -1 = not told */
    bool behind;      /* a record lies between next and end */
    bool open;        /* a transaction behind the end is not committed yet */
};

struct view_group {
    bool asked;
    size_t members;
    struct view_part *parts; /* own */
    size_t part_n;
    char why[VIEW_WHY_BYTES]; /* it has not settled; "" = it has */
};

/* The current window as readers see it in Redis. */
struct view_window {
    bool exists, complete;
    int64_t start_ms, end_ms, version, events, items, published_ms;
};

/* How many documents there are. */
struct view_stored {
    int64_t events, consumed, users, recommendations;
};

struct view {
    struct view_group groups[VIEW_DAEMONS];
    int64_t slide_ms, shown_ms, watermark_ms; /* what weir-rank says; INT64_MIN = nothing yet */
    struct view_window window;
    struct view_stored stored;
    struct err redis, mongo; /* why window or stored are not known */
};

extern const char *const view_names[VIEW_DAEMONS];

/* view_finish releases what a zeroed or filled view owns. */
void view_finish(struct view *v);

/* view_judge sets the `why` of every group that was asked for. */
void view_judge(struct view *v);

/* view_settled is true when none of them has one. */
bool view_settled(const struct view *v);

/* view_lag is how many offsets a partition is behind; marks of transactions are among them. */
int64_t view_lag(const struct view_part *part);

#endif
