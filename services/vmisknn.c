/* The model "vmisknn": sessions like this one (Kersbergen, Sprangers, Schelter, "Serenade -
 * Low-Latency Session-Based Recommendation in e-Commerce at Scale", SIGMOD 2022: VMIS-kNN). A session
 * is all that one user did; sessions are numbered from the newest on:
 *
 *     item_start u64[n+1]    | item_session u32[..]: the newest sessions of each item, newest first
 *     session_start u64[s+1] | session_item u32[..]: the different items of each session, in its order
 *     idf f32[n]
 *
 * The last `recent` items of the user are a_1 to a_L, newest first, a repeated one at its newest place.
 *
 *     similarity(s) = sum over the a_p, for which s is among the newest sessions, of (L - p + 1) / L
 *     score(b)      = idf(b) * sum over the `neighbours` most similar sessions s (the newer one of two
 *                     alike), where they hold b, of similarity(s) * max(0, 1 - p(s) / 10) / (1 + near * d)
 *
 * where a_p(s) is the newest of them that s holds, and d how many places b is from it in s, at most
 * 255. Serenade knows no places (near = 0): what a session did around that item says more than all else
 * that it did (Garg et al., "Sequence and Time Aware Neighborhood for Session-based Recommendations",
 * SIGIR 2019, with another decay). Serenade also bounds the sessions of all items together by those of
 * one, which saves it time and costs quality. */
#include <stdlib.h>

#include "base/mem.h"
#include "services/best.h"
#include "services/model.h"

enum { ITEM_START, ITEM_SESSION, SESSION_START, SESSION_ITEM, IDF, ARRAYS_N };
enum { NEIGHBOURS, RECENT, NEAR };
enum { RECENT_MAX = 200, SHARES_N = 256 };

static uint64_t sessions_n(const struct model *m)
{
    return m->data.arrays[SESSION_START].n - 1;
}

static bool ascends(const struct array_file *d, size_t starts, size_t of)
{
    const uint64_t *start = array_file_u64(d, starts);
    const uint32_t *at = array_file_u32(d, of);
    for (uint64_t row = 0; row + 1 < d->arrays[starts].n; row++)
        for (uint64_t i = start[row] + 1; i < start[row + 1]; i++)
            if (at[i - 1] >= at[i]) return false;
    return true;
}

static const char *check(const struct model *m)
{
    const struct array_file *d = &m->data;
    uint64_t starts_n = d->arrays[SESSION_START].n;
    if (starts_n == 0 || starts_n > UINT32_MAX || d->arrays[IDF].n != m->ids.n)
        return "its sizes are wrong";
    if (!array_file_rows(d, ITEM_START, m->ids.n, ITEM_SESSION) ||
        !array_file_rows(d, SESSION_START, starts_n - 1, SESSION_ITEM))
        return "its rows are out of order";
    bool good = array_file_below(d, ITEM_SESSION, starts_n - 1) &&
                array_file_below(d, SESSION_ITEM, m->ids.n) && ascends(d, ITEM_START, ITEM_SESSION);
    return good ? NULL : "it holds a bad row";
}

struct work {
    struct scores similar;      /* by session */
    struct best_found *nearest; /* own */
    uint8_t *place;             /* own; by item: its place p, 0 = it is none of the user's */
    double shares[SHARES_N];    /* by distance */
};

static void *work_new(const struct model *m)
{
    struct work *w = mem_zero(1, sizeof *w);
    scores_init(&w->similar, (uint32_t)sessions_n(m));
    w->nearest = mem_zero((size_t)m->parameters[NEIGHBOURS], sizeof w->nearest[0]);
    w->place = mem_zero(m->ids.n, sizeof w->place[0]);
    for (size_t d = 0; d < SHARES_N; d++) w->shares[d] = 1 / (1 + m->parameters[NEAR] * (double)d);
    return w;
}

static void work_free(const struct model *m, void *work)
{
    (void)m;
    struct work *w = work;
    scores_finish(&w->similar);
    free(w->nearest);
    free(w->place);
    free(w);
}

static bool is_repeated(const uint32_t *newest, size_t p)
{
    for (size_t i = 0; i < p; i++)
        if (newest[i] == newest[p]) return true;
    return false;
}

/* The last items, newest first; returns how many. A place of an unknown one is kept. */
static size_t turn(const struct model *m, const uint32_t *items, size_t n,
                   uint32_t ret_newest[RECENT_MAX])
{
    size_t recent = (size_t)m->parameters[RECENT] < n ? (size_t)m->parameters[RECENT] : n;
    for (size_t p = 0; p < recent; p++) {
        ret_newest[p] = items[n - 1 - p];
        if (is_repeated(ret_newest, p)) ret_newest[p] = IDS_UNKNOWN;
    }
    return recent;
}

static size_t find_nearest(const struct model *m, struct work *w, const uint32_t *newest, size_t n)
{
    const uint64_t *start = array_file_u64(&m->data, ITEM_START);
    const uint32_t *session = array_file_u32(&m->data, ITEM_SESSION);
    for (size_t p = 0; p < n; p++) {
        if (newest[p] == IDS_UNKNOWN) continue;
        double weight = (double)(n - p); /* in L-ths: equal sums are equal */
        for (uint64_t i = start[newest[p]]; i < start[newest[p] + 1]; i++)
            scores_add(&w->similar, session[i], weight);
    }
    struct best best = {.at = w->nearest, .max = (size_t)m->parameters[NEIGHBOURS]};
    for (size_t i = 0; i < w->similar.reached_n; i++) {
        uint32_t s = w->similar.reached[i];
        best_offer(&best, (struct best_found){w->similar.at[s], s});
    }
    scores_clear(&w->similar);
    return best_sort(&best);
}

/* Where a session meets the user: at the newest of his items that it holds. */
static uint64_t meet(const uint8_t *place, const uint32_t *items, uint64_t from, uint64_t to)
{
    uint64_t met = to;
    for (uint64_t i = from; i < to; i++)
        if (place[items[i]] && (met == to || place[items[i]] < place[items[met]])) met = i;
    return met;
}

/* One session votes for its items, without their idf. */
static void vote(const struct model *m, const struct work *w, const struct best_found *near,
                 size_t n, struct scores *out)
{
    const uint64_t *start = array_file_u64(&m->data, SESSION_START);
    const uint32_t *items = array_file_u32(&m->data, SESSION_ITEM);
    uint64_t from = start[near->item], to = start[near->item + 1];
    uint64_t met = meet(w->place, items, from, to);
    if (met == to || w->place[items[met]] >= 10) return;
    double weight = (1 - (double)w->place[items[met]] / 10) * near->score / (double)n;
    for (uint64_t i = from; i < to; i++) {
        uint64_t d = i > met ? i - met : met - i;
        scores_add(out, items[i], weight * w->shares[d < SHARES_N ? d : SHARES_N - 1]);
    }
}

static void set_places(struct work *w, const uint32_t *newest, size_t n, bool on)
{
    for (size_t p = 0; p < n; p++)
        if (newest[p] != IDS_UNKNOWN) w->place[newest[p]] = on ? (uint8_t)(p + 1) : 0;
}

static void score(const struct model *m, void *work, const uint32_t *items, size_t items_n,
                  struct scores *out)
{
    struct work *w = work;
    uint32_t newest[RECENT_MAX];
    size_t n = turn(m, items, items_n, newest);
    size_t nearest_n = find_nearest(m, w, newest, n);
    set_places(w, newest, n, true);
    for (size_t i = 0; i < nearest_n; i++) vote(m, w, &w->nearest[i], n, out);
    set_places(w, newest, n, false);
    const float *idf = array_file_f32(&m->data, IDF);
    for (size_t i = 0; i < out->reached_n; i++)
        out->at[out->reached[i]] *= (double)idf[out->reached[i]];
}

const struct kind vmisknn_kind = {
    .name = "vmisknn",
    .types = {ARRAY_FILE_U64, ARRAY_FILE_U32, ARRAY_FILE_U64, ARRAY_FILE_U32, ARRAY_FILE_F32},
    .arrays_n = ARRAYS_N,
    .parameters = {{"neighbours", 1, 10000}, {"recent", 1, RECENT_MAX}, {"near", 0, 1000}},
    .check = check,
    .work_new = work_new,
    .work_free = work_free,
    .score = score,
};
