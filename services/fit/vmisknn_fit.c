/* The index of VMIS-kNN, see services/vmisknn.c. A user is a session, as old as his last row; idf is
 * ln(all (session, item) pairs / those of the item), as in Serenade. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fit/recipe.h"

struct session {
    int64_t last_ms;
    uint32_t user;
};

static int session_cmp(const void *left, const void *right)
{
    const struct session *a = left, *b = right;
    if (a->last_ms != b->last_ms) return a->last_ms > b->last_ms ? -1 : 1;
    return (a->user > b->user) - (a->user < b->user);
}

/* Users that have rows, newest first; the caller frees them. */
static struct session *newest_first(const struct sequences *log, size_t *ret_n)
{
    struct session *sessions = mem_zero(log->users_n, sizeof sessions[0]);
    *ret_n = 0;
    for (uint32_t u = 0; u < log->users_n; u++)
        if (log->start[u + 1] > log->start[u])
            sessions[(*ret_n)++] = (struct session){log->time_ms[log->start[u + 1] - 1], u};
    qsort(sessions, *ret_n, sizeof sessions[0], session_cmp);
    return sessions;
}

/* Each item of a session is where it first was. */
static void add_sessions(struct model *m, const struct sequences *log,
                         const struct session *sessions, size_t n)
{
    uint64_t *start = mem_zero(n + 1, sizeof start[0]), at = 0;
    uint32_t *item = mem_zero(sequences_n(log), sizeof item[0]);
    uint32_t *seen_by = mem_zero(log->ids.n, sizeof seen_by[0]); /* the last session, from 1 on */
    for (uint32_t s = 0; s < n; s++) {
        uint32_t user = sessions[s].user;
        for (uint64_t i = log->start[user]; i < log->start[user + 1]; i++) {
            if (seen_by[log->item[i]] == s + 1) continue;
            seen_by[log->item[i]] = s + 1;
            item[at++] = log->item[i];
        }
        start[s + 1] = at;
    }
    free(seen_by);
    recipe_array(m, n + 1, start);
    recipe_array(m, at, item);
}

/* How many sessions of each item are kept, as where its row starts. */
static uint64_t *starts(const struct sequences_places *places, uint32_t items_n, uint64_t max)
{
    uint64_t *start = mem_zero((size_t)items_n + 1, sizeof start[0]);
    for (uint32_t i = 0; i < items_n; i++) {
        uint64_t n = places->start[i + 1] - places->start[i];
        start[i + 1] = start[i] + (n < max ? n : max);
    }
    return start;
}

static void add_items(struct model *m, const struct recipe *r, const struct sequences *sets,
                      const struct sequences_places *places, const struct session *sessions,
                      size_t n)
{
    uint32_t items_n = sets->ids.n;
    uint64_t *start = starts(places, items_n, (uint64_t)r->settings->vmisknn.sessions);
    uint64_t *filled = mem_zero(items_n, sizeof filled[0]);
    uint32_t *session = mem_zero(start[items_n], sizeof session[0]);
    for (size_t s = 0; s < n; s++) {
        progress_tell(r->progress, "vmisknn", s, n);
        for (uint64_t i = sets->start[sessions[s].user]; i < sets->start[sessions[s].user + 1];
             i++) {
            uint32_t item = sets->item[i];
            uint64_t at = start[item] + filled[item];
            if (at == start[item + 1]) continue;
            session[at] = (uint32_t)s;
            filled[item]++;
        }
    }
    free(filled);
    recipe_array(m, (uint64_t)items_n + 1, start);
    recipe_array(m, start[items_n], session);
}

static void add_idf(struct model *m, const struct sequences *sets,
                    const struct sequences_places *places)
{
    float *idf = mem_zero(sets->ids.n, sizeof idf[0]);
    for (uint32_t i = 0; i < sets->ids.n; i++) {
        double n = (double)(places->start[i + 1] - places->start[i]);
        if (n > 0) idf[i] = (float)log((double)sequences_n(sets) / n);
    }
    recipe_array(m, sets->ids.n, idf);
}

struct model *vmisknn_fit(const struct recipe *r, struct err *e)
{
    (void)e;
    size_t n;
    struct model *m = recipe_model(r, &vmisknn_kind);
    struct sequences sets = sequences_sets(r->log);
    struct sequences_places places = sequences_places(&sets);
    struct session *sessions = newest_first(r->log, &n);
    add_items(m, r, &sets, &places, sessions, n);
    add_sessions(m, r->log, sessions, n);
    add_idf(m, &sets, &places);
    free(sessions);
    sequences_places_finish(&places);
    sequences_finish(&sets);
    manifest_json_add(&m->manifest.settings, "sessions", (double)r->settings->vmisknn.sessions);
    manifest_json_add(&m->manifest.settings, "neighbours", (double)r->settings->vmisknn.neighbours);
    manifest_json_add(&m->manifest.settings, "recent", (double)r->settings->vmisknn.recent);
    manifest_json_add(&m->manifest.settings, "near", r->settings->vmisknn.near);
    return m;
}
