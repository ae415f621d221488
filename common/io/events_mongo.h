/* The archive in MongoDB: every event once in `events`, and in `consumed` who consumed what, first and last.
 *
 * A batch may be written again and again, by anybody: an event's _id is where it stands in the log, so that
 * E11000 means "it is there already"; a pair that is there is widened by $min and $max, which commute and repeat. */
#ifndef WEIR_IO_EVENTS_MONGO_H
#define WEIR_IO_EVENTS_MONGO_H

#include "flow/event.h"
#include "io/client_mongo.h"

/* [archive] */
struct events_mongo_conf {
    int64_t ttl_ms; /* events are deleted so long after their time; 0 = never */
};

extern const struct config_row events_mongo_rows[];

struct events_mongo;

/* epoch is the first part of the events' ids. Freed before the client. */
struct events_mongo *events_mongo_new(struct client_mongo *client, int64_t epoch);
void events_mongo_free(struct events_mongo *m); /* NULL is fine */

/* events_mongo_prepare makes the indexes that are missing. */
MUST_CHECK bool events_mongo_prepare(struct events_mongo *m, const struct events_mongo_conf *conf,
                                     struct err *e);

/* events_mongo_empty tells whether both collections hold nothing. */
MUST_CHECK bool events_mongo_empty(struct events_mongo *m, bool *ret_empty, struct err *e);

/* events_mongo_add copies an event into the batch in hand. */
void events_mongo_add(struct events_mongo *m, const struct event *event);

size_t events_mongo_n(const struct events_mongo *m);     /* events in the batch */
size_t events_mongo_bytes(const struct events_mongo *m); /* their documents */
void events_mongo_clear(struct events_mongo *m);         /* forgets the batch */

struct events_mongo_report {
    size_t duplicate_n;               /* events that were there already */
    size_t conflict_n;                /* of them: what is stored under the _id is another event */
    char conflict_id[EVENT_ID_BYTES]; /* one of them */
};

/* events_mongo_write writes the batch and keeps it: DONE or DUPLICATES = all of it is safe; RETRY = write it again
 * in a while, FATAL = never; e says why. What was there already is read back and compared. */
MUST_CHECK enum client_mongo_answer
events_mongo_write(struct events_mongo *m, struct events_mongo_report *ret_report, struct err *e);

#endif
