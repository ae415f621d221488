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

struct pane {
    int64_t number, events;
    struct map sums; /* item -> sum */
};

/* Panes beyond n are empty and wait to be used again. */
struct op_count {
    const struct window_conf *window;  /* ref in caller */
    const struct watermark_conf *time; /* ref in caller */
    struct weights weights;
    struct pane *panes; /* own; ascending numbers */
    size_t n, used, cap;
    size_t newest; /* where the last row went */
    size_t bytes;
};

struct op_count *op_count_new(const struct op_count_conf *conf, const struct window_conf *window,
                              const struct watermark_conf *time, struct err *e)
{
    struct op_count *op = mem_zero(1, sizeof *op);
    op->window = window;
    op->time = time;
    if (weights_parse(&op->weights, conf->behaviors, conf->fallback, e)) return op;
    free(op);
    return NULL;
}

void op_count_free(struct op_count *op)
{
    if (!op) return;
    for (size_t i = 0; i < op->used; i++) map_finish(&op->panes[i].sums);
    free(op->panes);
    free(op);
}

/* The index of the first pane that is not before number. */
static size_t find(const struct op_count *op, int64_t number)
{
    size_t low = 0, high = op->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (op->panes[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct pane *insert(struct op_count *op, size_t at, int64_t number)
{
    if (op->n == op->used) {
        op->panes = mem_grow(op->panes, op->used, &op->cap, sizeof op->panes[0]);
        map_init(&op->panes[op->used++].sums);
    }
    struct pane fresh = {number, 0, op->panes[op->n].sums};
    memmove(&op->panes[at + 1], &op->panes[at], (op->n - at) * sizeof op->panes[0]);
    op->panes[at] = fresh;
    op->n++;
    op->bytes += BATCH_PANE_BYTES;
    return &op->panes[at];
}

static struct pane *need(struct op_count *op, int64_t number)
{
    if (op->newest < op->n && op->panes[op->newest].number == number) return &op->panes[op->newest];
    op->newest = find(op, number);
    if (op->newest < op->n && op->panes[op->newest].number == number) return &op->panes[op->newest];
    return insert(op, op->newest, number);
}

static void add(struct op_count *op, struct pane *pane, struct str item, int64_t weight)
{
    bool fresh;
    *map_put(&pane->sums, item, &fresh) += (uint64_t)weight;
    if (fresh) op->bytes += item.len + BATCH_ITEM_BYTES;
}

bool op_count_row(struct op_count *op, const struct event *event, int64_t *clock_ms)
{
    if (watermark_late(op->time, *clock_ms, event->time_ms, op->window->slide_ms)) return false;
    if (event->time_ms > *clock_ms) *clock_ms = event->time_ms;
    struct pane *pane = need(op, window_pane(op->window, event->time_ms));
    pane->events++;
    int64_t weight = weights_of(&op->weights, event->behavior);
    if (weight) add(op, pane, event->item, weight);
    return true;
}

size_t op_count_bytes(const struct op_count *op)
{
    return op->bytes;
}

void op_count_fill(const struct op_count *op, struct batch *b)
{
    for (size_t i = 0; i < op->n; i++) {
        const struct pane *pane = &op->panes[i];
        batch_add_pane(b, pane->number, pane->events);
        const struct map_entry *entry;
        for (size_t at = 0; (entry = map_next(&pane->sums, &at));)
            batch_add_item(b, key_str(&entry->key), (int64_t)entry->value);
    }
}

void op_count_clear(struct op_count *op)
{
    for (size_t i = 0; i < op->n; i++) map_clear(&op->panes[i].sums);
    op->n = op->newest = 0;
    op->bytes = 0;
}
