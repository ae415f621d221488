/* A log as models learn from it: the items of each user in order of time, users and items numbered in
 * the order of their ids. The same events give the same sequences, in whatever order they come. */
#ifndef WEIR_FIT_SEQUENCES_H
#define WEIR_FIT_SEQUENCES_H

#include "services/ids.h"

struct sequences {
    struct ids ids; /* of the items; its arrays are the pool's */
    uint32_t users_n;
    uint64_t *start;  /* own; users_n + 1: user u's rows are [start[u], start[u+1]) */
    uint32_t *item;   /* own; by row */
    uint32_t *user;   /* own; by row */
    int64_t *time_ms; /* own; by row */
};

void sequences_finish(struct sequences *s);

static inline uint64_t sequences_n(const struct sequences *s)
{
    return s->start[s->users_n];
}

struct sequences_pool; /* events in no order, and the memory of the ids */

struct sequences_pool *sequences_pool_new(void);
void sequences_pool_free(struct sequences_pool *p); /* NULL is fine */

/* sequences_pool_add takes an event; `order` tells events of one user and time apart. False with e
 * set: more than can be numbered. */
MUST_CHECK bool sequences_pool_add(struct sequences_pool *p, struct str user, struct str item,
                                   int64_t time_ms, const uint64_t order[2], struct err *e);

/* sequences_of sorts what the pool has. The pool takes no more, and outlives what it gave. */
struct sequences sequences_of(struct sequences_pool *p);

/* sequences_keep copies the rows that keep[row] says, of users in the same numbers. */
struct sequences sequences_keep(const struct sequences *s, const bool *keep);

/* sequences_sets is each user's different items, ascending. */
struct sequences sequences_sets(const struct sequences *s);

/* Where each item is: item i's rows are at[start[i] .. start[i+1]), ascending. */
struct sequences_places {
    uint64_t *start, *at; /* own */
};

struct sequences_places sequences_places(const struct sequences *s);
void sequences_places_finish(struct sequences_places *p);

#endif
