#include "flow/event.h"

struct str event_id(struct position p, int64_t epoch, char text[EVENT_ID_BYTES])
{
    const int64_t numbers[] = {epoch, p.partition, p.offset, p.row};
    char *at = text;
    for (int i = 0; i < 4; i++) {
        at = str_put_int64(at, numbers[i]);
        *at++ = ':';
    }
    *--at = '\0';
    return (struct str){text, (size_t)(at - text)};
}

int event_position_cmp(struct position a, struct position b)
{
    if (a.partition != b.partition) return a.partition < b.partition ? -1 : 1;
    if (a.offset != b.offset) return a.offset < b.offset ? -1 : 1;
    return (a.row > b.row) - (a.row < b.row);
}
