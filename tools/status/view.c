#include "status/view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "flow/watermark.h"

const char *const view_names[VIEW_DAEMONS] = {"archive", "count", "rank", "recommend"};

void view_finish(struct view *v)
{
    for (int i = 0; i < VIEW_DAEMONS; i++) free(v->groups[i].parts);
    *v = (struct view){0};
}

int64_t view_lag(const struct view_part *part)
{
    if (!part->behind) return 0;
    return part->next < 0 ? part->end : part->end - part->next;
}

/* The first reason is the one to tell. */
static void because(struct view_group *g, const char *format, ...) PRINTF_LIKE(2, 3);

static void because(struct view_group *g, const char *format, ...)
{
    if (g->why[0]) return;
    va_list args;
    va_start(args, format);
    vsnprintf(g->why, sizeof g->why, format, args);
    va_end(args);
}

static void judge_group(struct view_group *g)
{
    if (!g->part_n) because(g, "its topic does not exist");
    for (size_t i = 0; i < g->part_n; i++) {
        const struct view_part *part = &g->parts[i];
        if (part->committed.offset == CHECKPOINT_NONE)
            because(g, "partition %" PRId32 " was never begun", part->committed.partition);
        if (part->behind)
            because(g, "partition %" PRId32 " is %" PRId64 " offsets behind",
                    part->committed.partition, view_lag(part));
        if (part->open)
            because(g, "partition %" PRId32 " is being written to", part->committed.partition);
    }
    if (!g->why[0] || g->members) return;
    char why[VIEW_WHY_BYTES];
    memcpy(why, g->why, sizeof why);
    snprintf(g->why, sizeof g->why, "nobody runs it; %.200s", why);
}

static int64_t greatest_clock(const struct view_group *count)
{
    int64_t clock_ms = WATERMARK_NONE;
    for (size_t i = 0; i < count->part_n; i++)
        if (count->parts[i].clock_ms > clock_ms) clock_ms = count->parts[i].clock_ms;
    return clock_ms;
}

/* With nothing in flight and all partitions idle, the window shown is the one whose last pane
 * holds the greatest event time. */
static void judge_ranking(struct view *v)
{
    struct view_group *rank = &v->groups[VIEW_RANK];
    int64_t clock_ms = greatest_clock(&v->groups[VIEW_COUNT]);
    if (clock_ms == WATERMARK_NONE) return;
    char end[CLOCK_TEXT_BYTES];
    if (v->slide_ms <= 0) {
        because(rank, "it has told nothing about its windows yet");
        return;
    }
    int64_t end_ms = watermark_floor(clock_ms, v->slide_ms) + v->slide_ms;
    clock_text(end_ms, end);
    if (v->shown_ms < end_ms) because(rank, "the last window, until %s, is not closed yet", end);
    if (v->redis.status) because(rank, "%s", v->redis.text);
    if (!v->window.exists)
        because(rank, "Redis holds no ranking");
    else if (v->window.end_ms != v->shown_ms)
        because(rank, "Redis does not show the last window, until %s", end);
}

void view_judge(struct view *v)
{
    for (int i = 0; i < VIEW_DAEMONS; i++) judge_group(&v->groups[i]);
    judge_ranking(v);
    for (int i = 0; i < VIEW_DAEMONS; i++)
        if (!v->groups[i].asked) v->groups[i].why[0] = '\0';
}

bool view_settled(const struct view *v)
{
    for (int i = 0; i < VIEW_DAEMONS; i++)
        if (v->groups[i].why[0]) return false;
    return true;
}
