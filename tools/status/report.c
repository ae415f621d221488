#include "status/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_bytes.h"

enum { NUMBER_BYTES = 32 };

static const char *const states[] = {
    [BALANCE_HOLD] = "holds",
    [BALANCE_DIFFER] = "DOES NOT HOLD",
    [BALANCE_OPEN] = "not known",
};

void report_why(const struct view *v, struct buf *out)
{
    for (int i = 0; i < VIEW_DAEMONS; i++) {
        if (!v->groups[i].why[0]) continue;
        buf_printf(out, "weir-%s: %s", view_names[i], v->groups[i].why);
        return;
    }
}

/* --- for people ------------------------------------------------------------------------------- */

/* 1234567 -> "1,234,567"; unknown ones are "-". */
static const char *grouped(int64_t n, char text[NUMBER_BYTES])
{
    char digits[NUMBER_BYTES];
    if (n < 0) return strcpy(text, "-");
    int len = snprintf(digits, sizeof digits, "%" PRId64, n), at = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

static const char *time_text(int64_t ms, char text[CLOCK_TEXT_BYTES])
{
    return ms == INT64_MIN || ms == INT64_MAX ? strcpy(text, "-") : clock_text(ms, text);
}

static void table_part(const struct view_part *part, struct buf *out)
{
    char next[NUMBER_BYTES], end[NUMBER_BYTES], lag[NUMBER_BYTES], clock[CLOCK_TEXT_BYTES];
    buf_printf(out, "    %9" PRId32 " %15s %15s %15s  %s\n", part->committed.partition,
               grouped(part->next, next), grouped(part->end, end), grouped(view_lag(part), lag),
               time_text(part->clock_ms, clock));
}

static void table_group(const char *name, const struct view_group *g, struct buf *out)
{
    buf_printf(out, "weir-%-10s %zu running, %s%s\n", name, g->members,
               g->why[0] ? "not settled: " : "settled", g->why);
    if (g->part_n)
        buf_printf(out, "    %9s %15s %15s %15s  %s\n", "partition", "next", "end", "behind",
                   "newest event");
    for (size_t i = 0; i < g->part_n; i++) table_part(&g->parts[i], out);
}

static void table_window(const struct view *v, struct buf *out)
{
    const struct view_window *w = &v->window;
    char start[CLOCK_TEXT_BYTES], end[CLOCK_TEXT_BYTES], events[NUMBER_BYTES];
    buf_printf(out, "\nwindows       shown until %s", time_text(v->shown_ms, end));
    buf_printf(out, ", watermark %s\n", time_text(v->watermark_ms, end));
    if (v->redis.status)
        buf_printf(out, "in Redis      not known: %s\n", v->redis.text);
    else if (!w->exists)
        buf_printf(out, "in Redis      no ranking\n");
    else
        buf_printf(
            out, "in Redis      %s to %s, %s events, %" PRId64 " items, version %" PRId64 "%s\n",
            clock_text(w->start_ms, start), clock_text(w->end_ms, end), grouped(w->events, events),
            w->items, w->version, w->complete ? "" : ", incomplete: older events were not read");
}

static void table_stored(const struct view *v, struct buf *out)
{
    char n[4][NUMBER_BYTES];
    if (v->mongo.status) {
        buf_printf(out, "in MongoDB    not known: %s\n", v->mongo.text);
        return;
    }
    buf_printf(out, "in MongoDB    events %s, consumed %s, users %s, recommendations %s\n",
               grouped(v->stored.events, n[0]), grouped(v->stored.consumed, n[1]),
               grouped(v->stored.users, n[2]), grouped(v->stored.recommendations, n[3]));
}

static const char *why_unknown(const struct balance *b)
{
    if (b->unread) return ": weir-state holds a position of another version of weir-replay";
    return b->sent == BALANCE_UNKNOWN ? ": weir-replay has left no position" : "";
}

static void table_balance(const struct balance *b, struct buf *out)
{
    char n[3][NUMBER_BYTES];
    bool replayed = b->sent != BALANCE_UNKNOWN;
    buf_printf(out, "\nrows read     %s = %s archived + %s bad: %s%s\n",
               grouped(replayed ? b->sent + b->rejected : BALANCE_UNKNOWN, n[0]),
               grouped(b->archived, n[1]), grouped(b->dead + (replayed ? b->rejected : 0), n[2]),
               states[balance_of_rows(b)], why_unknown(b));
    buf_printf(out, "archived      %s = %s counted + %s late: %s%s\n", grouped(b->archived, n[0]),
               grouped(b->counted, n[1]), grouped(b->late, n[2]), states[balance_of_events(b)],
               b->counted != BALANCE_UNKNOWN ? "" : ": weir-count has not told how many");
}

void report_table(const struct view *v, const struct balance *b, struct buf *out)
{
    for (int i = 0; i < VIEW_DAEMONS; i++)
        if (v->groups[i].asked) table_group(view_names[i], &v->groups[i], out);
    table_window(v, out);
    table_stored(v, out);
    if (b) table_balance(b, out);
    buf_printf(out, "\n%s\n", view_settled(v) ? "settled" : "not settled");
}

/* --- for scripts ------------------------------------------------------------------------------ */

/* What is not known is null. */
static void json_number(struct buf *out, const char *name, int64_t n, int64_t unknown)
{
    buf_printf(out, "\"%s\": ", name);
    if (n == unknown || n == INT64_MAX)
        buf_printf(out, "null");
    else
        buf_printf(out, "%" PRId64, n);
}

static void json_text(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\": ", name);
    json_bytes_str(out, str_of(text));
}

static void json_part(const struct view_part *part, struct buf *out)
{
    buf_printf(out, "{\"partition\": %" PRId32 ", ", part->committed.partition);
    json_number(out, "committed", part->committed.offset, CHECKPOINT_NONE);
    buf_printf(out, ", ");
    json_number(out, "next", part->next, CHECKPOINT_NONE);
    buf_printf(out, ", \"end\": %" PRId64 ", \"behind\": %" PRId64 ", ", part->end, view_lag(part));
    json_number(out, "clock_ms", part->clock_ms, INT64_MIN);
    buf_printf(out, ", ");
    json_text(out, "metadata", part->committed.metadata);
    buf_printf(out, "}");
}

static void json_group(const char *name, const struct view_group *g, struct buf *out)
{
    buf_printf(out, "\"%s\": {\"settled\": %s, ", name, g->why[0] ? "false" : "true");
    json_text(out, "why", g->why);
    buf_printf(out, ", \"members\": %zu, \"partitions\": [", g->members);
    for (size_t i = 0; i < g->part_n; i++) {
        if (i) buf_printf(out, ", ");
        json_part(&g->parts[i], out);
    }
    buf_printf(out, "]}");
}

static void json_window(const struct view *v, struct buf *out)
{
    const struct view_window *w = &v->window;
    buf_printf(out, "\"windows\": {");
    json_number(out, "shown_ms", v->shown_ms, INT64_MIN);
    buf_printf(out, ", ");
    json_number(out, "watermark_ms", v->watermark_ms, INT64_MIN);
    if (v->redis.status) {
        buf_printf(out, ", ");
        json_text(out, "redis_error", v->redis.text);
    }
    if (w->exists)
        buf_printf(out,
                   ", \"redis\": {\"window_start\": %" PRId64 ", \"window_end\": %" PRId64
                   ", \"events\": %" PRId64 ", \"n\": %" PRId64 ", \"version\": %" PRId64
                   ", \"complete\": %s, \"published_at\": %" PRId64 "}",
                   w->start_ms, w->end_ms, w->events, w->items, w->version,
                   w->complete ? "true" : "false", w->published_ms);
    buf_printf(out, "}");
}

static void json_stored(const struct view *v, struct buf *out)
{
    const struct view_stored *s = &v->stored;
    buf_printf(out, "\"stored\": {");
    if (v->mongo.status)
        json_text(out, "mongo_error", v->mongo.text);
    else
        buf_printf(out,
                   "\"events\": %" PRId64 ", \"consumed\": %" PRId64 ", \"users\": %" PRId64
                   ", \"recommendations\": %" PRId64,
                   s->events, s->consumed, s->users, s->recommendations);
    buf_printf(out, "}");
}

static void json_balance(const struct balance *b, struct buf *out)
{
    static const char *const holds[] = {"true", "false", "null"};
    buf_printf(out, "\"sums\": {\"epoch\": %" PRId64 ", ", b->epoch);
    json_number(out, "sent", b->sent, BALANCE_UNKNOWN);
    buf_printf(out, ", ");
    json_number(out, "rejected", b->rejected, BALANCE_UNKNOWN);
    buf_printf(out, ", \"archived\": %" PRId64 ", \"dead\": %" PRId64 ", ", b->archived, b->dead);
    json_number(out, "counted", b->counted, BALANCE_UNKNOWN);
    buf_printf(out, ", \"late\": %" PRId64 ", \"rows_hold\": %s, \"events_hold\": %s}", b->late,
               holds[balance_of_rows(b)], holds[balance_of_events(b)]);
}

void report_json(const struct view *v, const struct balance *b, struct buf *out)
{
    buf_printf(out, "{\"settled\": %s, \"daemons\": {", view_settled(v) ? "true" : "false");
    const char *separator = "";
    for (int i = 0; i < VIEW_DAEMONS; i++) {
        if (!v->groups[i].asked) continue;
        buf_printf(out, "%s", separator);
        json_group(view_names[i], &v->groups[i], out);
        separator = ", ";
    }
    buf_printf(out, "}, ");
    json_window(v, out);
    buf_printf(out, ", ");
    json_stored(v, out);
    if (b) buf_printf(out, ", ");
    if (b) json_balance(b, out);
    buf_printf(out, "}\n");
}
