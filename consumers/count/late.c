#include "count/late.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/dead_letter_json.h"

/* More than a batch ever holds: it is cut when its rows take BATCH_MAX_BYTES, and one is at most this. */
enum { LETTER_MAX_BYTES = 256 * 1024, ALL_MAX_BYTES = 16 * 1024 * 1024 };

void late_init(struct late *l)
{
    *l = (struct late){0};
    buf_init(&l->bytes, ALL_MAX_BYTES);
    buf_init(&l->scratch, LETTER_MAX_BYTES);
}

void late_finish(struct late *l)
{
    buf_finish(&l->bytes);
    buf_finish(&l->scratch);
    free(l->ends);
    *l = (struct late){0};
}

static void add(struct late *l, struct str piece)
{
    buf_add_str(&l->bytes, piece);
    assert(!l->bytes.overflow);
    l->ends = mem_grow(l->ends, l->n, &l->cap, sizeof l->ends[0]);
    l->ends[l->n++] = l->bytes.len;
}

void late_add(struct late *l, const struct event *event, int64_t epoch, int64_t clock_ms,
              struct str row)
{
    char text[EVENT_ID_BYTES];
    struct str id = event_id(event->position, epoch, text);
    dead_letter_json(&l->scratch, "late", id, row);
    l->scratch.len--; /* reopens the object: two more members */
    buf_printf(&l->scratch, ",\"time\":%lld,\"clock\":%lld}", (long long)event->time_ms,
               (long long)clock_ms);
    add(l, id);
    add(l, buf_str(&l->scratch));
}

size_t late_n(const struct late *l)
{
    return l->n / 2;
}

size_t late_bytes(const struct late *l)
{
    return l->bytes.len;
}

static struct str piece(const struct late *l, size_t i)
{
    size_t begin = i ? l->ends[i - 1] : 0;
    return (struct str){l->bytes.at + begin, l->ends[i] - begin};
}

void late_get(const struct late *l, size_t i, struct str *ret_key, struct str *ret_value)
{
    *ret_key = piece(l, 2 * i);
    *ret_value = piece(l, 2 * i + 1);
}

void late_clear(struct late *l)
{
    buf_clear(&l->bytes);
    l->n = 0;
}
