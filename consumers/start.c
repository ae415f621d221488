#include "consumers/start.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { AGAIN_MS = 300, TELL_EVERY_MS = 10000 };

/* Every partition of the topic, as committed. */
struct group {
    struct checkpoint *at; /* own */
    size_t n;
};

static bool complete(const struct checkpoint *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].offset == CHECKPOINT_NONE) return false;
    return true;
}

static bool owns_first(const struct checkpoint *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].partition == 0) return true;
    return false;
}

/* One request for all: what partition 0 says must not be newer than what the others say. */
static bool group_read(struct group *g, struct source *source, const struct checkpoint *parts,
                       size_t n, struct err *e)
{
    g->n = (size_t)source_partition_n(source);
    for (size_t i = 0; i < n; i++)
        if ((size_t)parts[i].partition >= g->n) g->n = (size_t)parts[i].partition + 1;
    g->at = mem_zero(g->n, sizeof g->at[0]);
    for (size_t i = 0; i < g->n; i++) g->at[i].partition = (int32_t)i;
    return source_committed(source, g->at, g->n, e);
}

static enum start later(const struct err *e)
{
    return e->status == ERR_FAILED ? START_LATER : START_FAILED;
}

static enum start commit(const struct start_rule *rule, const struct checkpoint *begun, size_t n,
                         struct err *e)
{
    switch (source_commit(rule->source, begun, n, e)) {
    case COMMIT_DONE: return START_GO;
    case COMMIT_REFUSED: err_set(e, "the group is changing"); return START_LATER;
    default: return later(e);
    }
}

static void begin(const struct start_rule *rule, struct checkpoint *part, int64_t offset)
{
    part->offset = offset;
    snprintf(part->metadata, sizeof part->metadata, "%s", rule->metadata);
}

static enum start check_new(const struct start_rule *rule, struct err *e)
{
    bool empty;
    if (!rule->store_is_empty(rule->self, &empty, e)) return later(e);
    if (empty) return START_GO;
    err_refuse(
        e,
        "the group has no offsets (they expire after 7 days without members), but its store is not "
        "empty: start afresh with weir-reset %s, or set the group's offsets",
        rule->scope);
    return START_FAILED;
}

/* The whole group begins: every partition at the configured start. */
static enum start begin_group(const struct start_rule *rule, struct group *g, struct err *e)
{
    enum start fresh = check_new(rule, e);
    if (fresh != START_GO) return fresh;
    struct checkpoint *begun = mem_zero(g->n, sizeof begun[0]);
    size_t n = 0;
    enum start answer = START_GO;
    for (size_t i = 0; i < g->n && answer == START_GO; i++) {
        if (g->at[i].offset != CHECKPOINT_NONE) continue;
        int64_t offset = source_first_offset(rule->source, g->at[i].partition, e);
        if (offset < 0) answer = later(e);
        begin(rule, &g->at[i], offset);
        begun[n++] = g->at[i];
    }
    if (answer == START_GO) answer = commit(rule, begun, n, e);
    free(begun);
    return answer;
}

/* Partitions came to a group that reads already: ours among them begin at their beginning. */
static enum start begin_added(const struct start_rule *rule, struct group *g,
                              const struct checkpoint *parts, size_t n, struct err *e)
{
    struct checkpoint *begun = mem_zero(n, sizeof begun[0]);
    size_t begun_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct checkpoint *part = &g->at[parts[i].partition];
        if (part->offset != CHECKPOINT_NONE) continue;
        begin(rule, part, 0);
        begun[begun_n++] = *part;
    }
    enum start answer = begun_n ? commit(rule, begun, begun_n, e) : START_GO;
    free(begun);
    return answer;
}

static enum start decide(const struct start_rule *rule, struct group *g, struct checkpoint *parts,
                         size_t n, struct err *e)
{
    if (!group_read(g, rule->source, parts, n, e)) return later(e);
    enum start answer;
    if (g->at[0].offset != CHECKPOINT_NONE) {
        answer = begin_added(rule, g, parts, n, e);
    } else if (owns_first(parts, n)) {
        answer = begin_group(rule, g, e);
    } else {
        err_set(e, "the owner of partition 0 has not begun yet");
        answer = START_LATER;
    }
    for (size_t i = 0; answer == START_GO && i < n; i++) parts[i] = g->at[parts[i].partition];
    return answer;
}

enum start start_positions(const struct start_rule *rule, struct checkpoint *parts, size_t n,
                           struct err *e)
{
    if (complete(parts, n)) return START_GO;
    struct group g = {0};
    enum start answer = decide(rule, &g, parts, n, e);
    free(g.at);
    return answer;
}

void start_put_off(struct start_pause *p, const char *comp, struct checkpoint *parts, size_t n,
                   struct err *e)
{
    int64_t now_ms = clock_now_ms();
    if (now_ms >= p->tell_ms) {
        log_info(comp, "waiting", "text=\"%s\"", e->text);
        p->tell_ms = now_ms + TELL_EVERY_MS;
    }
    *e = (struct err){0};
    for (size_t i = 0; i < n; i++)
        if (parts[i].offset == CHECKPOINT_NONE) parts[i].offset = 0;
    p->until_ms = now_ms + AGAIN_MS;
}

bool start_again(struct start_pause *p, struct source *source, int64_t now_ms, struct err *e)
{
    if (!p->until_ms || now_ms < p->until_ms) return true;
    p->until_ms = 0;
    return source_reload(source, e);
}
