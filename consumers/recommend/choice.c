#include "recommend/choice.h"

#include <stdlib.h>

#include "base/mem.h"

static bool there(const struct str *items, size_t n, struct str item)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(items[i], item)) return true;
    return false;
}

/* Adds what may be added of more to the n items; returns the new n. */
static size_t add(const struct choice *c, struct str *items, size_t n, const struct str *more,
                  size_t more_n)
{
    for (size_t i = 0; i < more_n && n < c->n; i++)
        if (!history_has(c->consumed, more[i]) && !there(items, n, more[i])) items[n++] = more[i];
    return n;
}

static enum slate_source source_of(size_t from_model, size_t all)
{
    if (all == 0) return SLATE_NONE;
    if (from_model == 0) return SLATE_HOT;
    return from_model == all ? SLATE_MODEL : SLATE_MIXED;
}

struct slate *choice_slate(const struct choice *c)
{
    struct str *items = mem_zero(c->n, sizeof *items);
    size_t from_model = add(c, items, 0, c->answer, c->answer_n), all = from_model;
    if (c->hot) all = add(c, items, from_model, c->hot->items, c->hot->n);
    struct slate *slate = slate_new(source_of(from_model, all), items, all);
    free(items);
    return slate;
}

int64_t choice_reward(const struct weights *w, const struct slate *shown, int64_t shown_ms,
                      const struct history_entry *rows, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        if (rows[i].time_ms >= shown_ms && slate_has(shown, rows[i].item))
            sum += weights_of(w, rows[i].behavior);
    return sum;
}
