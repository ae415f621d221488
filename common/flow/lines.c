#include "flow/lines.h"

#include <stdlib.h>

#include "base/mem.h"
#include "flow/watermark.h"

struct newest {
    bool known;
    int64_t offset; /* in weir-panes */
    struct batch_line line;
};

struct lines {
    bool from_start;
    struct newest *at; /* own; by partition */
    size_t n, cap;
    int32_t of; /* the greatest number of partitions anybody told of */
};

struct lines *lines_new(bool from_start)
{
    struct lines *l = mem_zero(1, sizeof *l);
    l->from_start = from_start;
    return l;
}

void lines_free(struct lines *l)
{
    if (!l) return;
    free(l->at);
    free(l);
}

bool lines_check(const struct lines *l, const struct batch *b, struct err *e)
{
    for (size_t i = 0; i < b->line_n; i++) {
        const struct batch_line *line = &b->lines[i];
        bool known = (size_t)line->partition < l->n && l->at[line->partition].known;
        if (!known && !l->from_start) continue;
        int64_t expected = known ? l->at[line->partition].line.to : line->start;
        if (line->from == expected) continue;
        return err_refuse(
            e,
            "positions of partition %d of the events are lost or repeated: a batch goes "
            "on at %lld, expected %lld; were offsets moved by hand, or records deleted? "
            "weir-reset ranking starts afresh",
            line->partition, (long long)line->from, (long long)expected);
    }
    return true;
}

void lines_take(struct lines *l, const struct batch *b, int64_t offset)
{
    for (size_t i = 0; i < b->line_n; i++) {
        const struct batch_line *line = &b->lines[i];
        while (l->n <= (size_t)line->partition) {
            l->at = mem_grow(l->at, l->n, &l->cap, sizeof l->at[0]);
            l->at[l->n++] = (struct newest){0};
        }
        l->at[line->partition] = (struct newest){true, offset, *line};
        if (line->of > l->of) l->of = line->of;
    }
}

bool lines_known(const struct lines *l)
{
    if (!l->of || l->n < (size_t)l->of) return false;
    for (size_t i = 0; i < l->n; i++)
        if (!l->at[i].known) return false;
    return true;
}

struct lines_clocks lines_clocks(const struct lines *l)
{
    struct lines_clocks c = {true, INT64_MAX, WATERMARK_NONE};
    for (size_t i = 0; i < l->n; i++) {
        const struct batch_line *line = &l->at[i].line;
        if (!l->at[i].known) continue;
        if (line->clock_ms > c.greatest_ms) c.greatest_ms = line->clock_ms;
        if (line->idle) continue;
        c.all_idle = false;
        if (line->clock_ms < c.least_ms) c.least_ms = line->clock_ms;
    }
    return c;
}

int64_t lines_since(const struct lines *l)
{
    int64_t since_ms = lines_known(l) ? INT64_MIN : INT64_MAX;
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].line.since_ms > since_ms) since_ms = l->at[i].line.since_ms;
    return since_ms;
}

int64_t lines_hold(const struct lines *l)
{
    int64_t hold = INT64_MAX;
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].known && l->at[i].offset < hold) hold = l->at[i].offset;
    return hold;
}
