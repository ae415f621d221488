#include "flow/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int history_cmp(const struct history_entry *a, const struct history_entry *b)
{
    if (a->time_ms != b->time_ms) return a->time_ms < b->time_ms ? -1 : 1;
    return event_position_cmp(a->position, b->position);
}

static int cmp_refs(const void *a, const void *b)
{
    const struct history_entry *const *left = a, *const *right = b;
    return history_cmp(*left, *right);
}

static size_t unique(const struct history_entry **refs, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || history_cmp(refs[kept - 1], refs[i]) != 0) refs[kept++] = refs[i];
    return kept;
}

static struct str put(char **at, struct str s)
{
    if (!s.at) return s;
    struct str copy = {*at, s.len};
    if (s.len) memcpy(*at, s.at, s.len);
    *at += s.len;
    return copy;
}

static struct history *copy_of(const struct history_entry *const *refs, size_t n)
{
    size_t entries = sizeof(struct history) + n * sizeof(struct history_entry), bytes = entries;
    for (size_t i = 0; i < n; i++) bytes += refs[i]->item.len + refs[i]->behavior.len;
    struct history *h = mem_zero(1, bytes);
    char *texts = (char *)h + entries;
    h->n = n;
    for (size_t i = 0; i < n; i++) {
        h->at[i] = *refs[i];
        h->at[i].item = put(&texts, refs[i]->item);
        h->at[i].behavior = put(&texts, refs[i]->behavior);
    }
    return h;
}

struct history *history_merge(const struct history *old, const struct history_entry *more, size_t n,
                              size_t k)
{
    size_t old_n = old ? old->n : 0, all = 0;
    const struct history_entry **refs = mem_zero(old_n + n, sizeof(struct history_entry *));
    for (size_t i = 0; i < old_n; i++) refs[all++] = &old->at[i];
    for (size_t i = 0; i < n; i++) refs[all++] = &more[i];
    qsort(refs, all, sizeof refs[0], cmp_refs);
    all = unique(refs, all);
    size_t kept = all < k ? all : k;
    struct history *h = copy_of(refs + (all - kept), kept);
    free(refs);
    return h;
}

bool history_same(const struct history *a, const struct history *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (history_cmp(&a->at[i], &b->at[i]) != 0) return false;
    return true;
}

bool history_has(const struct history *h, struct str item)
{
    for (size_t i = 0; i < h->n; i++)
        if (str_eq(h->at[i].item, item)) return true;
    return false;
}
