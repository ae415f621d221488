/* The collection `recommendations`: what was shown, one document per user and interval, inserted
 * once and never changed but for its reward.
 *
 * {_id: user US interval end, user, time: Date, history: [item], items: [item], scores: null,
 * source, model, version, hot_version, previous: id | null, previous_reward: n | null,
 * reward: n (set later)}
 *
 * model and version are null where nothing is of a model; version is null, too, if the service did not
 * tell. scores are for later. */
#ifndef WEIR_IO_RECOMMENDATIONS_MONGO_H
#define WEIR_IO_RECOMMENDATIONS_MONGO_H

#include "flow/history.h"
#include "flow/slate.h"
#include "io/client_mongo.h"

struct recommendations_mongo; /* of one thread */

struct recommendations_mongo *recommendations_mongo_new(struct client_mongo *c);
void recommendations_mongo_free(
    struct recommendations_mongo *r); /* NULL is fine; before the client */

struct recommendations_mongo_doc {
    struct str user;
    int64_t end_ms; /* of the interval */
    const struct history *history;
    const struct slate *slate;
    /* Who answered, and in which version (NULL = not told); told only where the slate has items of a
     * model. */
    const char *model, *version;
    int64_t hot_version; /* of the hot list at that time; -1 = there was none */
    bool has_previous;
    int64_t previous_ms, previous_reward; /* of the one before */
};

/* recommendations_mongo_insert enters n documents; counts say which were there already. */
MUST_CHECK enum client_mongo_answer
recommendations_mongo_insert(struct recommendations_mongo *r,
                             const struct recommendations_mongo_doc *docs, size_t n,
                             struct client_mongo_counts *counts, struct err *e);

/* Gets the slate of each document that was found, and owns it. */
typedef void recommendations_mongo_found(void *ctx, struct str user, struct slate *slate_take);

/* recommendations_mongo_find reads back the slates of documents, by their ids (slate_id). One
 * that Weir cannot have written is FATAL. */
MUST_CHECK enum client_mongo_answer recommendations_mongo_find(struct recommendations_mongo *r,
                                                               const struct str *ids, size_t n,
                                                               recommendations_mongo_found *found,
                                                               void *ctx, struct err *e);

/* recommendations_mongo_reward sets the rewards of the previous documents of n documents; those
 * without one are passed over. */
MUST_CHECK enum client_mongo_answer
recommendations_mongo_reward(struct recommendations_mongo *r,
                             const struct recommendations_mongo_doc *docs, size_t n, struct err *e);

#endif
