#include "flow/batch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/wire.h"
#include "flow/event.h"
#include "flow/watermark.h"
#include "flow/window.h"

/* The record, in the encodings of base/wire.h:
 *
 *     version, epoch, slide
 *     n lines: partition, of, start, from - start, to - from, clock, since, idle
 *     n panes: pane - the one before, events, n items: id, sum
 *     checksum
 */
enum {
    VERSION = 1,
    LINE_MIN_BYTES = 8,
    PANE_MIN_BYTES = 3,
    ITEM_MIN_BYTES = 3, /* at least one byte of id */
};

void batch_finish(struct batch *b)
{
    free(b->lines);
    free(b->panes);
    free(b->items);
    *b = (struct batch){0};
}

void batch_clear(struct batch *b)
{
    b->line_n = b->pane_n = b->item_n = 0;
}

void batch_add_line(struct batch *b, const struct batch_line *line)
{
    b->lines = mem_grow(b->lines, b->line_n, &b->line_cap, sizeof b->lines[0]);
    b->lines[b->line_n++] = *line;
}

void batch_add_pane(struct batch *b, int64_t pane, int64_t events)
{
    b->panes = mem_grow(b->panes, b->pane_n, &b->pane_cap, sizeof b->panes[0]);
    b->panes[b->pane_n++] = (struct batch_pane){pane, events, b->item_n, 0};
}

void batch_add_item(struct batch *b, struct str id, int64_t sum)
{
    b->items = mem_grow(b->items, b->item_n, &b->item_cap, sizeof b->items[0]);
    b->items[b->item_n++] = (struct batch_item){id, sum};
    b->panes[b->pane_n - 1].item_n++;
}

/* --- encode --------------------------------------------------------------------------------------- */

static void put_line(struct buf *out, const struct batch_line *l)
{
    wire_put_uint(out, (uint64_t)l->partition);
    wire_put_uint(out, (uint64_t)l->of);
    wire_put_uint(out, (uint64_t)l->start);
    wire_put_uint(out, (uint64_t)(l->from - l->start));
    wire_put_uint(out, (uint64_t)(l->to - l->from));
    wire_put_int(out, l->clock_ms);
    wire_put_int(out, l->since_ms);
    wire_put_uint(out, l->idle);
}

static void put_head(struct buf *out, const struct batch *b, size_t pane_n)
{
    buf_clear(out);
    wire_put_uint(out, VERSION);
    wire_put_uint(out, (uint64_t)b->epoch);
    wire_put_uint(out, (uint64_t)b->slide_ms);
    wire_put_uint(out, b->line_n);
    for (size_t i = 0; i < b->line_n; i++) put_line(out, &b->lines[i]);
    wire_put_uint(out, pane_n);
}

void batch_panes_init(struct batch_panes *p)
{
    *p = (struct batch_panes){0};
    buf_init(&p->bytes, BATCH_MAX_BYTES);
}

void batch_panes_finish(struct batch_panes *p)
{
    buf_finish(&p->bytes);
}

void batch_panes_clear(struct batch_panes *p)
{
    buf_clear(&p->bytes);
    p->n = 0;
    p->last = 0;
}

void batch_panes_put(struct batch_panes *p, int64_t pane, int64_t events, size_t item_n)
{
    wire_put_int(&p->bytes, pane - p->last);
    wire_put_uint(&p->bytes, (uint64_t)events);
    wire_put_uint(&p->bytes, item_n);
    p->last = pane;
    p->n++;
}

void batch_panes_item(struct batch_panes *p, struct str id, int64_t sum)
{
    wire_put_str(&p->bytes, id);
    wire_put_uint(&p->bytes, (uint64_t)sum);
}

void batch_encode_panes(const struct batch *b, const struct batch_panes *p, struct buf *out)
{
    put_head(out, b, p->n);
    buf_add_str(out, buf_str(&p->bytes));
    out->overflow |= p->bytes.overflow;
    wire_seal(out);
}

void batch_encode(const struct batch *b, struct buf *out)
{
    struct batch_panes panes;
    batch_panes_init(&panes);
    for (size_t i = 0; i < b->pane_n; i++) {
        const struct batch_pane *p = &b->panes[i];
        batch_panes_put(&panes, p->pane, p->events, p->item_n);
        for (size_t k = p->item_first; k < p->item_first + p->item_n; k++)
            batch_panes_item(&panes, b->items[k].id, b->items[k].sum);
    }
    batch_encode_panes(b, &panes, out);
    batch_panes_finish(&panes);
}

/* --- decode --------------------------------------------------------------------------------------- */

/* An unsigned value of at most max; anything else makes the reader bad. */
static int64_t bounded(struct wire *w, int64_t max)
{
    uint64_t value = wire_uint(w);
    if (value > (uint64_t)max) w->bad = true;
    return w->bad ? 0 : (int64_t)value;
}

static int64_t time_of(struct wire *w)
{
    int64_t ms = wire_int(w);
    bool endless = ms == INT64_MIN || ms == INT64_MAX;
    if (!endless && (ms < -WINDOW_TIME_MAX_MS || ms > 2 * WINDOW_TIME_MAX_MS)) w->bad = true;
    return w->bad ? 0 : ms;
}

/* Offsets are counted from the one before; neither may pass what an int64 holds. */
static int64_t offset_of(struct wire *w, int64_t before)
{
    return before + bounded(w, INT64_MAX - before);
}

static void get_line(struct batch *b, struct wire *w)
{
    struct batch_line l = {.partition = (int32_t)bounded(w, BATCH_PARTITIONS_MAX)};
    l.of = (int32_t)bounded(w, BATCH_PARTITIONS_MAX);
    l.start = offset_of(w, 0);
    l.from = offset_of(w, l.start);
    l.to = offset_of(w, l.from);
    l.clock_ms = time_of(w);
    l.since_ms = time_of(w);
    l.idle = bounded(w, 1);
    bool ascending = !b->line_n || b->lines[b->line_n - 1].partition < l.partition;
    if (l.partition >= l.of || l.clock_ms > WINDOW_TIME_MAX_MS || !ascending) w->bad = true;
    if (!w->bad) batch_add_line(b, &l);
}

static void get_item(struct batch *b, struct wire *w)
{
    struct str id = wire_str(w);
    int64_t sum = bounded(w, BATCH_SUM_MAX);
    if (id.len < 1 || id.len > EVENT_KEY_MAX || sum < 1) w->bad = true;
    if (!w->bad) batch_add_item(b, id, sum);
}

static void get_pane(struct batch *b, struct wire *w)
{
    int64_t before = b->pane_n ? b->panes[b->pane_n - 1].pane : 0, pane;
    int64_t max = WINDOW_TIME_MAX_MS / b->slide_ms;
    if (__builtin_add_overflow(before, wire_int(w), &pane) || pane < -max - 1 || pane > max)
        w->bad = true;
    int64_t events = bounded(w, BATCH_SUM_MAX);
    uint64_t n = wire_count(w, ITEM_MIN_BYTES);
    if (w->bad) return;
    batch_add_pane(b, pane, events);
    while (n-- && !w->bad) get_item(b, w);
}

static bool get_all(struct batch *b, struct wire *w)
{
    if (wire_uint(w) != VERSION) return false;
    b->epoch = bounded(w, INT64_MAX);
    b->slide_ms = bounded(w, WINDOW_TIME_MAX_MS);
    if (w->bad || b->slide_ms < 1) return false;
    for (uint64_t n = wire_count(w, LINE_MIN_BYTES); n && !w->bad; n--) get_line(b, w);
    for (uint64_t n = wire_count(w, PANE_MIN_BYTES); n && !w->bad; n--) get_pane(b, w);
    return wire_done(w) && b->line_n;
}

bool batch_decode(struct batch *b, struct str record, struct err *e)
{
    struct wire w;
    batch_clear(b);
    if (record.len > BATCH_MAX_BYTES || !wire_open(&w, record))
        return err_refuse(e, "a record of %zu bytes that is no batch: altered or cut", record.len);
    if (get_all(b, &w)) return true;
    batch_clear(b);
    return err_refuse(e, "a record of %zu bytes that is no batch of version %d", record.len,
                      VERSION);
}
