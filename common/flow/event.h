/* An event: one row of the log, and where it stands. */
#ifndef WEIR_FLOW_EVENT_H
#define WEIR_FLOW_EVENT_H

#include <stdint.h>

#include "base/buf.h"
#include "flow/columns.h"

struct position {
    int32_t partition;
    int64_t offset;
    int32_t row; /* within the record */
};

/* All strings are lent by the decoder until it decodes the next row. */
struct event {
    struct position position;
    int64_t time_ms;
    struct str user, item;          /* 1..256 bytes of text */
    struct str behavior;            /* absent if the log has no such column */
    struct str fields[COLUMNS_MAX]; /* by column; absent if the row lacks it */
    const struct columns *columns;  /* ref in decoder */
};

enum { EVENT_ID_BYTES = 96, EVENT_KEY_MAX = 256 };

/* event_id writes "epoch:partition:offset:row" and returns it. */
struct str event_id(struct position p, int64_t epoch, char text[EVENT_ID_BYTES]);

/* event_position_cmp orders positions by (partition, offset, row). */
int event_position_cmp(struct position a, struct position b);

#endif
