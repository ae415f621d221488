#include "source_file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PARTS_MAX = 64, FILE_MAX_BYTES = 64 << 20 };

struct part {
    char *text;       /* own; the whole file */
    struct str *rows; /* own array, borrows from text */
    int64_t row_n, next;
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
        assert(points[i].offset >= 0 && points[i].offset <= p->row_n);
        p->next = points[i].offset;
        p->mine = true;
        p->at_end = false;
    }
    return true;
}

static bool take(struct source_file *s, const struct stage *stage, bool lost, struct err *e)
{
    bool had = s->assigned;
    s->assigned = false;
    return !had || stage->revoked(stage->self, lost, e);
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

static bool read_part(struct part *p, const struct stage *stage, size_t max, struct err *e)
{
    int32_t id = p->committed.partition;
    while (max > 0 && p->next < p->row_n && (!stage->wants || stage->wants(stage->self, id))) {
        struct record r = {.partition = id, .offset = p->next, .value = p->rows[p->next]};
        p->next++;
        max--;
        if (!stage->record(stage->self, &r, e)) return false;
    }
    if (p->next < p->row_n || p->at_end) return true;
    p->at_end = true;
    stage->end(stage->self, id, p->next);
    return true;
}

static bool read_all(struct source *source, const struct stage *stage, size_t max, struct err *e)
{
    struct source_file *s = self_of(source);
    for (int32_t i = 0; i < s->part_n; i++)
        if (s->assigned && s->parts[i].mine && !read_part(&s->parts[i], stage, max, e))
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
    for (size_t i = 0; i < n; i++) s->parts[parts[i].partition].committed = parts[i];
    return COMMIT_DONE;
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

/* --- birth and death ------------------------------------------------------------------------------------ */

static void split(struct part *p, size_t len)
{
    struct str rest = {p->text, len};
    size_t cap = 0;
    if (len > 0 && p->text[len - 1] == '\n') rest.len--;
    while (len > 0 && rest.at) {
        p->rows = mem_grow(p->rows, (size_t)p->row_n, &cap, sizeof *p->rows);
        p->rows[p->row_n++] = str_cut(&rest, '\n');
    }
}

static bool load(struct part *p, const char *dir, int32_t id)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%d.csv", dir, id);
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    p->text = mem_zero(FILE_MAX_BYTES, 1);
    split(p, fread(p->text, 1, FILE_MAX_BYTES, f));
    fclose(f);
    p->committed = (struct checkpoint){.partition = id, .offset = CHECKPOINT_NONE};
    return true;
}

static void destroy(struct source *source)
{
    struct source_file *s = self_of(source);
    for (int32_t i = 0; i < s->part_n; i++) {
        free(s->parts[i].text);
        free(s->parts[i].rows);
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

struct source *source_file_new(const char *dir)
{
    struct source_file *s = mem_zero(1, sizeof *s);
    s->source.kind = &kind;
    while (s->part_n < PARTS_MAX && load(&s->parts[s->part_n], dir, s->part_n)) s->part_n++;
    assert(s->part_n > 0);
    source_file_crash(&s->source); /* the first poll assigns, and nobody had anything before */
    return &s->source;
}
