/* Ranks the items of a model for one user after another: a thread's own memory. */
#ifndef WEIR_SERVICES_RANKER_H
#define WEIR_SERVICES_RANKER_H

#include "services/best.h"
#include "services/model.h"

enum { RANKER_ITEMS_MAX = 200, RANKER_N_MAX = 500, RANKER_ASKS_MAX = NEAREST_USERS_MAX };

struct ranker;

/* ranker_new ranks by a model, which must outlive it. */
struct ranker *ranker_new(const struct model *m);
void ranker_free(struct ranker *r); /* NULL is fine */

struct ranker_ask {
    const struct str *items; /* oldest first, at most RANKER_ITEMS_MAX */
    size_t items_n;
    const struct str *exclude;
    size_t exclude_n;
    bool reconsume;  /* the items, but for the newest, may be answered too */
    int n;           /* 1..RANKER_N_MAX */
    struct str user; /* some kinds know users; may be empty */
};

/* ranker_rank writes at most n items, best first, ties by number, and returns how many: none of the
 * ask's own, unless it says so, and none that it excludes. *ret_unknown_n (may be NULL): how many of
 * its items the model does not know. */
size_t ranker_rank(struct ranker *r, const struct ranker_ask *ask,
                   struct best_found ret[RANKER_N_MAX], size_t *ret_unknown_n);

struct ranker_answer {
    struct best_found found[RANKER_N_MAX];
    size_t n, unknown_n;
};

/* ranker_rank_all does so for up to RANKER_ASKS_MAX asks, in one pass over the items if the kind can: an
 * answer for each, until the next call. */
const struct ranker_answer *ranker_rank_all(struct ranker *r, const struct ranker_ask *asks,
                                            size_t n);

/* ranker_scores are the scores of all candidates of a user with these items, for who ranks by
 * himself; they live until the next call for this ranker. */
const struct scores *ranker_scores(struct ranker *r, const uint32_t *items, size_t items_n);

/* ranker_try asks a model for what to recommend after some of its items. NULL, or what is wrong with
 * the answers (static text): all are empty, or one is out of order or not finite. */
const char *ranker_try(const struct model *m);

#endif
