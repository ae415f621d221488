/* The collection `users`: what each user did last, and what was shown last.
 *
 * {_id: user, v: 1, rev, history: [{item, behavior, time: Date, pos: "partition:offset:row"}],
 * last: {id, time: Date, items, source}}
 *
 * rev grows by one with every update, and an update names the rev that it has read: nothing
 * overwrites a state that its writer has not seen. */
#ifndef WEIR_IO_USERS_MONGO_H
#define WEIR_IO_USERS_MONGO_H

#include "flow/history.h"
#include "flow/slate.h"
#include "io/client_mongo.h"

enum { USERS_MONGO_HISTORY_MAX = 200 };

struct users_mongo_doc {
    int64_t rev;
    struct history *history; /* own; the newest K */
    int64_t
        last_ms; /* interval end of the newest recommendation, which is slate_id(user, last_ms) */
    struct slate *last; /* own; what it showed */
};

void users_mongo_doc_free(struct users_mongo_doc *doc); /* NULL is fine */

struct users_mongo; /* of one thread */

struct users_mongo *users_mongo_new(struct client_mongo *c);
void users_mongo_free(struct users_mongo *u); /* NULL is fine; before the client */

/* Gets each document that was found, and owns it. */
typedef void users_mongo_found(void *ctx, struct str user, struct users_mongo_doc *doc_take);

/* users_mongo_find reads the documents of n users. Those of users without one are not called
 * back. A stored document that Weir cannot have written is FATAL. */
MUST_CHECK enum client_mongo_answer users_mongo_find(struct users_mongo *u, const struct str *users,
                                                     size_t n, users_mongo_found *found, void *ctx,
                                                     struct err *e);

struct users_mongo_write {
    struct str user;
    const struct history *history;
    int64_t last_ms;
    const struct slate *last;
    int64_t rev; /* of what was read; the new document has rev + 1. 0 to insert */
};

/* users_mongo_insert enters new users; counts say which were there already. */
MUST_CHECK enum client_mongo_answer users_mongo_insert(struct users_mongo *u,
                                                       const struct users_mongo_write *writes,
                                                       size_t n, struct client_mongo_counts *counts,
                                                       struct err *e);

/* users_mongo_update replaces history and last of known users; counts say how many had the rev
 * that was read. */
MUST_CHECK enum client_mongo_answer users_mongo_update(struct users_mongo *u,
                                                       const struct users_mongo_write *writes,
                                                       size_t n, struct client_mongo_counts *counts,
                                                       struct err *e);

#endif
