#include "flow/event.h"

#include <stdio.h>

struct str event_id(struct position p, int64_t epoch, char text[EVENT_ID_BYTES])
{
    int len = snprintf(text, EVENT_ID_BYTES, "%lld:%d:%lld:%d", (long long)epoch, p.partition,
                       (long long)p.offset, p.row);
    return (struct str){text, (size_t)len};
}

int event_position_cmp(struct position a, struct position b)
{
    if (a.partition != b.partition) return a.partition < b.partition ? -1 : 1;
    if (a.offset != b.offset) return a.offset < b.offset ? -1 : 1;
    return (a.row > b.row) - (a.row < b.row);
}
