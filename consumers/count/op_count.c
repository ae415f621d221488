#include "count/op_count.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "flow/weights.h"

const struct config_row op_count_rows[] = {
    {"weight", "behaviors", CONFIG_STR, "pv:1,cart:1,fav:1,buy:1",
     "what a row of a behaviour adds to its item's count; 0 = nothing",
     offsetof(struct op_count_conf, behaviors)},
    {"weight", "default", CONFIG_INT, "1", "the same for any other behaviour, and for rows without",
     offsetof(struct op_count_conf, fallback), 0, WEIGHTS_VALUE_MAX},
    {0},
};

/* Rows come in about the order of time, so only the panes of the last OPEN slides are kept in tables, small enough for the
 * processor's cache. A row of another pane closes the one in whose place it belongs, and its sums are encoded. */
enum { OPEN = 16 };

struct pane {
    bool open;
    int64_t number, begin_ms, events;
    struct map sums; /* item -> sum */
};

struct op_count {
    const struct window_conf *window;  /* ref in caller */
    const struct watermark_conf *time; /* ref in caller */
    struct weights weights;
    struct pane panes[OPEN]; /* by number modulo OPEN */
    struct pane *last;       /* of the row before */
    struct batch_panes closed;
    size_t open_bytes; /* what the open ones may take */
};

struct op_count *op_count_new(const struct op_count_conf *conf, const struct window_conf *window,
                              const struct watermark_conf *time, struct err *e)
{
    struct op_count *op = mem_zero(1, sizeof *op);
    op->window = window;
    op->time = time;
    for (int i = 0; i < OPEN; i++) map_init(&op->panes[i].sums);
    op->last = op->panes;
    batch_panes_init(&op->closed);
    if (weights_parse(&op->weights, conf->behaviors, conf->fallback, e)) return op;
    op_count_free(op);
    return NULL;
}

void op_count_free(struct op_count *op)
{
    if (!op) return;
    for (int i = 0; i < OPEN; i++) map_finish(&op->panes[i].sums);
    batch_panes_finish(&op->closed);
    free(op);
}

static void close_pane(struct op_count *op, struct pane *pane)
{
    const struct map_entry *entry;
    batch_panes_put(&op->closed, pane->number, pane->events, pane->sums.n);
    for (size_t at = 0; (entry = map_next(&pane->sums, &at));) {
        batch_panes_item(&op->closed, key_str(&entry->key), (int64_t)entry->value);
        op->open_bytes -= entry->key.len + BATCH_ITEM_BYTES;
    }
    op->open_bytes -= BATCH_PANE_BYTES;
    map_clear(&pane->sums);
    pane->open = false;
}

static struct pane *need(struct op_count *op, int64_t number)
{
    struct pane *pane = &op->panes[(uint64_t)number % OPEN];
    if (pane->open && pane->number == number) return pane;
    if (pane->open) close_pane(op, pane);
    pane->open = true;
    pane->number = number;
    pane->begin_ms = number * op->window->slide_ms;
    pane->events = 0;
    op->open_bytes += BATCH_PANE_BYTES;
    return pane;
}

/* Most rows are of the same pane as the one before: no division. */
static struct pane *pane_of(struct op_count *op, int64_t time_ms)
{
    int64_t into_ms = time_ms - op->last->begin_ms;
    if (!op->last->open || into_ms < 0 || into_ms >= op->window->slide_ms)
        op->last = need(op, window_pane(op->window, time_ms));
    return op->last;
}

static void add(struct op_count *op, struct pane *pane, struct str item, int64_t weight)
{
    bool fresh;
    *map_put(&pane->sums, item, &fresh) += (uint64_t)weight;
    if (fresh) op->open_bytes += item.len + BATCH_ITEM_BYTES;
}

bool op_count_row(struct op_count *op, const struct event *event, int64_t *clock_ms)
{
    if (watermark_late(op->time, *clock_ms, event->time_ms, op->window->slide_ms)) return false;
    if (event->time_ms > *clock_ms) *clock_ms = event->time_ms;
    struct pane *pane = pane_of(op, event->time_ms);
    pane->events++;
    int64_t weight = weights_of(&op->weights, event->behavior);
    if (weight) add(op, pane, event->item, weight);
    return true;
}

size_t op_count_bytes(const struct op_count *op)
{
    return op->closed.bytes.len + op->open_bytes;
}

const struct batch_panes *op_count_panes(struct op_count *op)
{
    for (int i = 0; i < OPEN; i++)
        if (op->panes[i].open) close_pane(op, &op->panes[i]);
    return &op->closed;
}

void op_count_clear(struct op_count *op)
{
    for (int i = 0; i < OPEN; i++) {
        map_clear(&op->panes[i].sums);
        op->panes[i].open = false;
    }
    batch_panes_clear(&op->closed);
    op->open_bytes = 0;
}
