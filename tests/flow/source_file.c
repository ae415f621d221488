#include "source_file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fate.h"

enum { PARTS_MAX = 64 };

struct part {
    struct record *records; /* own, values too */
    size_t cap;
    int64_t record_n, next;
    bool mine, at_end;
    struct checkpoint committed;
};

struct source_file {
    struct source source;
    struct part parts[PARTS_MAX];
    int32_t part_n;
    bool assigned, rebalance, lost;
    bool given[PARTS_MAX]; /* by the next rebalance */
    enum commit answer;
    int answer_n;
    int owner_n;
    int64_t handed_n, commit_n;
};

static struct source_file *self_of(struct source *s)
{
    return (struct source_file *)(void *)s;
}

/* --- the group -------------------------------------------------------------------------------------- */

static bool give(struct source_file *s, const struct stage *stage, struct err *e)
{
    struct checkpoint points[PARTS_MAX];
    size_t n = 0;
    for (int32_t i = 0; i < s->part_n; i++)
        if (s->given[i]) points[n++] = s->parts[i].committed;
    s->assigned = true;
    if (!stage->assigned(stage->self, points, n, e)) return false;
    for (int32_t i = 0; i < s->part_n; i++) s->parts[i].mine = false;
    for (size_t i = 0; i < n; i++) {
        struct part *p = &s->parts[points[i].partition];
        assert(points[i].offset >= 0 && points[i].offset <= p->record_n);
        p->next = points[i].offset;
        p->mine = true;
        p->at_end = false;
    }
    return true;
}

static bool take(struct source_file *s, const struct stage *stage, bool lost, struct err *e)
{
    bool had = s->assigned;
    s->assigned = had && !lost; /* who is asked to leave may still commit */
    bool good = !had || stage->revoked(stage->self, lost, e);
    s->assigned = false;
    return good;
}

static bool poll_group(struct source *source, const struct stage *stage, int64_t wait_ms,
                       struct err *e)
{
    (void)wait_ms;
    struct source_file *s = self_of(source);
    if (!s->rebalance) return true;
    s->rebalance = false;
    return take(s, stage, s->lost, e) && give(s, stage, e);
}

static bool leave(struct source *source, const struct stage *stage, struct err *e)
{
    return take(self_of(source), stage, false, e);
}

static bool reload(struct source *source, struct err *e)
{
    (void)e;
    struct source_file *s = self_of(source);
    for (int32_t i = 0; i < s->part_n; i++) s->given[i] = s->parts[i].mine;
    s->rebalance = s->lost = true;
    return true;
}

void source_file_rebalance(struct source *source, const int32_t *partitions, size_t n, bool lost)
{
    struct source_file *s = self_of(source);
    memset(s->given, 0, sizeof s->given);
    for (size_t i = 0; i < n; i++) s->given[partitions[i]] = true;
    s->rebalance = true;
    s->lost = lost;
}

void source_file_crash(struct source *source)
{
    struct source_file *s = self_of(source);
    memset(s->given, 1, sizeof s->given);
    s->rebalance = true;
    s->assigned = false;
}

/* --- records ------------------------------------------------------------------------------------------ */

static bool wanted(const struct stage *stage, int32_t partition)
{
    return !stage->wants || stage->wants(stage->self, partition);
}

static bool read_part(struct source_file *s, struct part *p, const struct stage *stage, size_t max,
                      struct err *e)
{
    int32_t id = p->committed.partition;
    for (; max > 0 && p->next < p->record_n && wanted(stage, id); max--) {
        const struct record *r = &p->records[p->next++];
        p->at_end = false;
        s->handed_n++;
        if (!stage->record(stage->self, r, e)) return false;
    }
    if (p->next < p->record_n || p->at_end || !wanted(stage, id)) return true;
    p->at_end = true;
    stage->end(stage->self, id, p->next);
    return true;
}

static bool read_all(struct source *source, const struct stage *stage, size_t max, struct err *e)
{
    struct source_file *s = self_of(source);
    for (int32_t i = 0; i < s->part_n; i++)
        if (s->assigned && s->parts[i].mine && !read_part(s, &s->parts[i], stage, max, e))
            return false;
    return true;
}

/* --- positions ------------------------------------------------------------------------------------------ */

static enum commit commit(struct source *source, const struct checkpoint *parts, size_t n,
                          struct err *e)
{
    struct source_file *s = self_of(source);
    if (s->answer_n > 0) {
        s->answer_n--;
        if (s->answer == COMMIT_FAILED) err_set(e, "the test lets this commit fail");
        return s->answer;
    }
    if (!s->assigned) return COMMIT_REFUSED;
    if (fate_ask(e)) return COMMIT_FAILED;
    source_file_keep(source, parts, n);
    return fate_ask(e) ? COMMIT_FAILED : COMMIT_DONE;
}

void source_file_keep(struct source *source, const struct checkpoint *parts, size_t n)
{
    self_of(source)->commit_n++;
    for (size_t i = 0; i < n; i++) self_of(source)->parts[parts[i].partition].committed = parts[i];
}

static bool committed(struct source *source, struct checkpoint *parts, size_t n, struct err *e)
{
    (void)e;
    struct source_file *s = self_of(source);
    for (size_t i = 0; i < n; i++) parts[i] = s->parts[parts[i].partition].committed;
    return true;
}

static int64_t first_offset(struct source *source, int32_t partition, struct err *e)
{
    (void)source, (void)partition, (void)e;
    return 0;
}

static int32_t partition_n(struct source *source)
{
    return self_of(source)->part_n;
}

void source_file_answer(struct source *source, enum commit answer, int n)
{
    struct source_file *s = self_of(source);
    s->answer = answer;
    s->answer_n = n;
}

int64_t source_file_handed(const struct source *source)
{
    return ((const struct source_file *)(const void *)source)->handed_n;
}

int64_t source_file_commit_n(const struct source *source)
{
    return ((const struct source_file *)(const void *)source)->commit_n;
}

bool source_file_read_all(const struct source *source)
{
    const struct source_file *s = (const struct source_file *)(const void *)source;
    for (int32_t i = 0; i < s->part_n; i++)
        if (!s->parts[i].mine || s->parts[i].next < s->parts[i].record_n) return false;
    return true;
}

const struct record *source_file_record(const struct source *source, int32_t partition,
                                        int64_t offset)
{
    const struct source_file *s = (const struct source_file *)(const void *)source;
    const struct part *p = &s->parts[partition];
    return offset < p->record_n ? &p->records[offset] : NULL;
}

/* --- birth and death ------------------------------------------------------------------------------------ */

void source_file_append(struct source *source, const struct record *r)
{
    struct part *p = &self_of(source)->parts[r->partition];
    p->records = mem_grow(p->records, (size_t)p->record_n, &p->cap, sizeof p->records[0]);
    p->records[p->record_n] = *r;
    p->records[p->record_n].offset = p->record_n;
    if (r->value.at) p->records[p->record_n].value.at = mem_dup(r->value.at, r->value.len);
    p->record_n++;
}

static bool load(struct source *s, const char *dir, int32_t id)
{
    char path[512], *line = NULL;
    size_t cap = 0;
    snprintf(path, sizeof path, "%s/%d.csv", dir, id);
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    for (ssize_t n; (n = getline(&line, &cap, f)) >= 0;) {
        if (n > 0 && line[n - 1] == '\n') n--;
        source_file_append(s, &(struct record){.partition = id, .value = {line, (size_t)n}});
    }
    free(line);
    fclose(f);
    return true;
}

static void destroy(struct source *source)
{
    struct source_file *s = self_of(source);
    if (--s->owner_n > 0) return;
    for (int32_t i = 0; i < s->part_n; i++) {
        struct part *p = &s->parts[i];
        for (int64_t j = 0; j < p->record_n; j++) free((char *)p->records[j].value.at);
        free(p->records);
    }
    free(s);
}

static const struct source_kind kind = {
    .poll = poll_group,
    .read = read_all,
    .commit = commit,
    .reload = reload,
    .committed = committed,
    .first_offset = first_offset,
    .partition_n = partition_n,
    .leave = leave,
    .free = destroy,
};

static struct source_file *new_topic(void)
{
    struct source_file *s = mem_zero(1, sizeof *s);
    s->source.kind = &kind;
    s->owner_n = 1;
    for (int32_t i = 0; i < PARTS_MAX; i++)
        s->parts[i].committed = (struct checkpoint){.partition = i, .offset = CHECKPOINT_NONE};
    source_file_crash(&s->source); /* the first poll assigns, and nobody had anything before */
    return s;
}

struct source *source_file_new(const char *dir)
{
    struct source_file *s = new_topic();
    while (s->part_n < PARTS_MAX && load(&s->source, dir, s->part_n)) s->part_n++;
    assert(s->part_n > 0);
    return &s->source;
}

struct source *source_file_empty(int32_t n)
{
    struct source_file *s = new_topic();
    assert(n > 0 && n <= PARTS_MAX);
    s->part_n = n;
    return &s->source;
}

struct source *source_file_share(struct source *source)
{
    self_of(source)->owner_n++;
    return source;
}
