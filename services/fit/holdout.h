/* A log in two parts: models are fitted on one and asked about the other. */
#ifndef WEIR_FIT_HOLDOUT_H
#define WEIR_FIT_HOLDOUT_H

#include "fit/sequences.h"
#include "fit/settings.h"
#include "services/ranker.h"

enum { HOLDOUT_CASES_MAX = 5000 };

struct holdout {
    const struct sequences *log; /* ref in caller */
    struct sequences train;      /* own; of holdout_of */
    uint64_t *targets; /* own; rows of the log: what came after the user's rows before it */
    size_t n;          /* at most HOLDOUT_CASES_MAX, evenly chosen */
    bool reconsume;    /* targets may be among these rows, but for the newest */
};

/* holdout_of parts a log. SETTINGS_LAST: the last three rows of each user, or half of all, if he has less
 * than six; targets are those whose items are new to him (one row each gives weights of a blend that
 * go by chance). SETTINGS_USERS: of the tenth of users who came last, all rows but the first; none of
 * theirs is in train. */
struct holdout holdout_of(const struct sequences *log, enum settings_split split);

/* holdout_since holds out no row for a training: its targets are the rows from a time on whose items
 * are new to their users, who have a row before. */
struct holdout holdout_since(const struct sequences *log, int64_t since_ms);

void holdout_finish(struct holdout *h);

/* holdout_items are the items before a target, oldest first; returns how many. */
size_t holdout_items(const struct holdout *h, size_t i, uint32_t ret_items[RANKER_ITEMS_MAX]);

/* holdout_masked is true for an item that is no candidate after these items. */
bool holdout_masked(const struct holdout *h, const uint32_t *items, size_t n, uint32_t item);

/* What ranks come to. */
struct holdout_measure {
    size_t n;
    double hits, reciprocal, gain; /* sums: HR@10, MRR@20, NDCG@10 */
};

/* holdout_count counts the rank of one target, from 1 on; 0 = it was no candidate. */
void holdout_count(struct holdout_measure *m, size_t rank);

/* holdout_report adds the means to a manifest. */
void holdout_report(const struct holdout_measure *m, struct manifest_json_numbers *to);

/* holdout_measure asks a model, fitted on train, about all targets. */
struct holdout_measure holdout_measure(const struct holdout *h, const struct model *m);

#endif
