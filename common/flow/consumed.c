#include "flow/consumed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void consumed_init(struct consumed *c)
{
    *c = (struct consumed){0};
    map_init(&c->index);
}

void consumed_finish(struct consumed *c)
{
    map_finish(&c->index);
    free(c->spans);
}

void consumed_clear(struct consumed *c)
{
    map_clear(&c->index);
}

static struct str key_of(const struct event *event, char bytes[2 * EVENT_KEY_MAX + 1])
{
    assert(event->user.len <= EVENT_KEY_MAX && event->item.len <= EVENT_KEY_MAX);
    memcpy(bytes, event->user.at, event->user.len);
    bytes[event->user.len] = CONSUMED_SEPARATOR;
    memcpy(bytes + event->user.len + 1, event->item.at, event->item.len);
    return (struct str){bytes, event->user.len + 1 + event->item.len};
}

void consumed_add(struct consumed *c, const struct event *event)
{
    char bytes[2 * EVENT_KEY_MAX + 1];
    bool is_new;
    size_t n = c->index.n;
    uint64_t *slot = map_put(&c->index, key_of(event, bytes), &is_new);
    if (is_new) {
        c->spans = mem_grow(c->spans, n, &c->cap, sizeof c->spans[0]);
        c->spans[n] = (struct consumed_span){event->time_ms, event->time_ms};
        *slot = n;
        return;
    }
    struct consumed_span *span = &c->spans[*slot];
    if (event->time_ms < span->first_ms) span->first_ms = event->time_ms;
    if (event->time_ms > span->last_ms) span->last_ms = event->time_ms;
}

bool consumed_next(const struct consumed *c, size_t *cursor, struct consumed_entry *ret_entry)
{
    const struct map_entry *entry = map_next(&c->index, cursor);
    if (!entry) return false;
    struct str rest = key_str(&entry->key);
    ret_entry->key = rest;
    ret_entry->user = str_cut(&rest, CONSUMED_SEPARATOR);
    ret_entry->item = rest;
    ret_entry->span = c->spans[entry->value];
    return true;
}
