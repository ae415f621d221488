/* Intervals as rounds.
 *
 * Event time is cut into intervals of L ms. The line of a partition is the largest multiple of L
 * that its watermark (greatest event time - delay) has passed; it never goes back. A row is due at
 *
 *     due(e) = max(end of e's interval, line before e + L)
 *
 * so that a late row belongs to the first interval that is still open when it arrives: every row
 * within the lateness is due exactly once, and never in a closed interval. All rows with one due
 * are a bucket; serving the users of a closed bucket is a round. Both depend on the log alone, so
 * every owner of the partition, dead or undead, builds the same ones.
 *
 * What is committed is the hold, the lowest offset that any bucket still needs, with clock and line
 * as they were before the record there: a restart reads the same rows again and decides the same.
 * `done` only spares it the work.
 *
 * The fence. A round starts after a successful commit made since the line passed it: a zombie that
 * cannot commit cannot serve, so it never serves rounds that its successor's cut (below) has shaped
 * otherwise.
 *
 * The cut. At the end of a quiet partition the log closes nothing any more, the clock on the wall
 * does. That decision is not in the log, so it is committed as (next offset, line) before anything
 * is served by it, and stays in the commits until the hold has passed it; a restart that reaches
 * the offset raises the line there. Rows behind it are due later. At most one cut is outstanding:
 * the next needs every closed round served, and then the hold has passed the first.
 *
 * Users of different rounds may be served together; the rounds of one user follow each other in
 * order, since rounds_take goes from the oldest on and passes over users that are in the making.
 * `done` and the hold move when all of a round, and all before it, are served. */
#include "recommend/rounds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LOOK_FACTOR = 8 }; /* rounds_take looks at so many users per user wanted, then leaves it */

void rounds_init(struct rounds *r, const struct rounds_conf *conf, int32_t partition,
                 const struct rounds_mark *mark)
{
    *r = (struct rounds){.conf = conf,
                         .partition = partition,
                         .now = mark->state,
                         .before = mark->state,
                         .next_offset = mark->offset,
                         .done_ms = mark->done_ms,
                         .fence_ms = WATERMARK_NONE,
                         .cut_offset = mark->cut_offset,
                         .cut_line_ms = mark->cut_line_ms};
}

static void free_user(struct rounds_user *u)
{
    for (size_t i = 0; i < u->n; i++) free((char *)u->rows[i].item.at);
    free(u->rows);
    free((char *)u->user.at);
    u->rows = NULL;
    u->user = (struct str){0};
    u->n = u->cap = 0;
}

static void free_bucket(struct rounds_bucket *b)
{
    for (size_t i = 0; i < b->n; i++) free_user(&b->users[i]);
    free(b->users);
    map_finish(&b->index);
    free(b);
}

void rounds_finish(struct rounds *r)
{
    for (size_t i = 0; i < r->n; i++) free_bucket(r->buckets[i]);
    free(r->buckets);
    *r = (struct rounds){0};
}

/* --- reading ---------------------------------------------------------------------------------- */

static void raise_line(struct rounds *r, int64_t line_ms)
{
    if (line_ms > r->now.line_ms) r->now.line_ms = line_ms;
}

static void pass_cut(struct rounds *r)
{
    bool passed = r->cut_offset != ROUNDS_NO_CUT && r->next_offset >= r->cut_offset;
    if (passed && !r->cut_pending) raise_line(r, r->cut_line_ms);
}

void rounds_begin(struct rounds *r, int64_t offset)
{
    assert(!r->cut_pending);
    r->next_offset = offset;
    pass_cut(r);
    r->before = r->now;
}

void rounds_reach(struct rounds *r, int64_t offset)
{
    if (offset > r->next_offset) r->next_offset = offset;
    pass_cut(r);
}

static int64_t due_of(const struct rounds *r, int64_t time_ms)
{
    int64_t step = r->conf->interval_ms, end = watermark_floor(time_ms, step) + step;
    if (r->now.line_ms == WATERMARK_NONE || end > r->now.line_ms) return end;
    return r->now.line_ms + step;
}

static void move(struct rounds *r, int64_t time_ms)
{
    if (time_ms > r->now.clock_ms) r->now.clock_ms = time_ms;
    int64_t watermark = watermark_of(&r->conf->time, r->now.clock_ms);
    raise_line(r, watermark_floor(watermark, r->conf->interval_ms));
}

static struct rounds_bucket *bucket_new(const struct rounds *r, int64_t due_ms)
{
    struct rounds_bucket *b = mem_zero(1, sizeof *b);
    b->due_ms = due_ms;
    b->offset = r->next_offset;
    b->state = r->before;
    map_init(&b->index);
    return b;
}

/* The bucket with that due, made if it is not there. New rows belong to the newest buckets. */
static struct rounds_bucket *bucket_at(struct rounds *r, int64_t due_ms)
{
    size_t i = r->n;
    while (i > 0 && r->buckets[i - 1]->due_ms > due_ms) i--;
    if (i > 0 && r->buckets[i - 1]->due_ms == due_ms) return r->buckets[i - 1];
    r->buckets = mem_grow(r->buckets, r->n, &r->cap, sizeof(struct rounds_bucket *));
    memmove(r->buckets + i + 1, r->buckets + i, (r->n - i) * sizeof(struct rounds_bucket *));
    r->n++;
    return r->buckets[i] = bucket_new(r, due_ms);
}

static struct rounds_user *user_at(struct rounds_bucket *b, struct str user)
{
    bool fresh;
    uint64_t *index = map_put(&b->index, user, &fresh);
    if (!fresh) return &b->users[*index];
    *index = b->n;
    b->left++;
    b->users = mem_grow(b->users, b->n, &b->cap, sizeof b->users[0]);
    struct rounds_user *u = &b->users[b->n++];
    *u = (struct rounds_user){.user = {mem_dup(user.at, user.len), user.len}};
    return u;
}

/* Item and behaviour share one piece of memory, which the item's pointer owns. */
static void copy_texts(struct history_entry *row)
{
    char *texts = mem_zero(1, row->item.len + row->behavior.len + 1);
    memcpy(texts, row->item.at, row->item.len);
    row->item.at = texts;
    if (!row->behavior.at) return;
    memcpy(texts + row->item.len, row->behavior.at, row->behavior.len);
    row->behavior.at = texts + row->item.len;
}

static void keep(struct rounds *r, struct rounds_bucket *b, const struct event *event)
{
    struct rounds_user *u = user_at(b, event->user);
    if (u->n == u->cap) { /* most users have one row or two: no mem_grow, which starts at 16 */
        u->cap = u->cap ? u->cap * 2 : 1;
        u->rows = mem_resize(u->rows, u->cap, sizeof u->rows[0]);
    }
    struct history_entry *row = &u->rows[u->n++];
    *row = (struct history_entry){event->item, event->behavior, event->time_ms, event->position};
    copy_texts(row);
    r->row_n++;
}

enum rounds_verdict rounds_row(struct rounds *r, const struct event *event)
{
    int64_t time_ms = event->time_ms, step = r->conf->interval_ms;
    if (watermark_late(&r->conf->time, r->now.clock_ms, time_ms, step)) return ROUNDS_LATE;
    int64_t due_ms = due_of(r, time_ms);
    bool kept = due_ms > r->done_ms;
    if (kept) keep(r, bucket_at(r, due_ms), event);
    move(r, time_ms);
    return kept ? ROUNDS_KEPT : ROUNDS_DONE;
}

/* --- committing ------------------------------------------------------------------------------- */

struct rounds_mark rounds_mark(const struct rounds *r)
{
    struct rounds_mark m = {.offset = r->next_offset, .state = r->now, .done_ms = r->done_ms};
    for (size_t i = 0; i < r->n; i++)
        if (r->buckets[i]->offset < m.offset) {
            m.offset = r->buckets[i]->offset;
            m.state = r->buckets[i]->state;
        }
    bool outstanding = m.offset < r->cut_offset; /* never true for ROUNDS_NO_CUT */
    m.cut_offset = outstanding ? r->cut_offset : ROUNDS_NO_CUT;
    m.cut_line_ms = outstanding ? r->cut_line_ms : WATERMARK_NONE;
    return m;
}

void rounds_committed(struct rounds *r)
{
    r->cut_pending = false;
    pass_cut(r);
    r->fence_ms = r->now.line_ms;
}

bool rounds_closed(const struct rounds *r)
{
    return r->n > 0 && r->buckets[0]->due_ms <= r->now.line_ms;
}

bool rounds_fenced(const struct rounds *r)
{
    for (size_t i = 0; i < r->n && r->buckets[i]->due_ms <= r->now.line_ms; i++)
        if (r->buckets[i]->due_ms > r->fence_ms) return true;
    return false;
}

bool rounds_cut(struct rounds *r)
{
    if (r->n == 0 || r->cut_pending || rounds_closed(r)) return false;
    r->cut_offset = r->next_offset;
    r->cut_line_ms = r->buckets[r->n - 1]->due_ms;
    r->cut_pending = true;
    return true;
}

/* --- serving ---------------------------------------------------------------------------------- */

struct rounds_user *rounds_due_user(const struct rounds_due *due)
{
    return &due->bucket->users[due->index];
}

static bool take(struct rounds_user *u, struct map *busy, const struct map *elsewhere)
{
    bool fresh = false;
    if (elsewhere && map_find(elsewhere, u->user)) return false;
    if (u->state == ROUNDS_OPEN) map_put(busy, u->user, &fresh);
    if (fresh) u->state = ROUNDS_TAKEN;
    return fresh;
}

size_t rounds_take(struct rounds *r, struct rounds_due *dues, size_t max, struct map *busy,
                   const struct map *elsewhere)
{
    size_t taken = 0, looks = LOOK_FACTOR * max;
    for (size_t i = 0; i < r->n && r->buckets[i]->due_ms <= r->fence_ms; i++) {
        struct rounds_bucket *b = r->buckets[i];
        for (size_t j = b->first; j < b->n; j++) {
            if (taken == max || looks-- == 0) return taken;
            if (take(&b->users[j], busy, elsewhere)) dues[taken++] = (struct rounds_due){r, b, j};
        }
    }
    return taken;
}

void rounds_return(const struct rounds_due *due)
{
    struct rounds_user *u = rounds_due_user(due);
    assert(u->state == ROUNDS_TAKEN);
    u->state = ROUNDS_OPEN;
}

/* Rounds end in order: one that is served before an older one waits for it. */
static size_t drop_served(struct rounds *r)
{
    size_t served = 0;
    while (served < r->n && r->buckets[served]->left == 0) {
        r->done_ms = r->buckets[served]->due_ms;
        free_bucket(r->buckets[served++]);
    }
    r->n -= served;
    if (served) memmove(r->buckets, r->buckets + served, r->n * sizeof r->buckets[0]);
    return served;
}

size_t rounds_served(const struct rounds_due *due)
{
    struct rounds_bucket *b = due->bucket;
    struct rounds_user *u = rounds_due_user(due);
    assert(u->state == ROUNDS_TAKEN);
    due->of->row_n -= u->n;
    free_user(u);
    u->state = ROUNDS_SERVED;
    while (b->first < b->n && b->users[b->first].state == ROUNDS_SERVED) b->first++;
    return --b->left ? 0 : drop_served(due->of);
}
