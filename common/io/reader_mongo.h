/* Reads the archive back: all of MongoDB's `events`, in no order. */
#ifndef WEIR_IO_READER_MONGO_H
#define WEIR_IO_READER_MONGO_H

#include "flow/event.h"
#include "io/client_mongo.h"

/* Gets one event: user, item and time, lent for the call, and by its position what orders events of one
 * user and time. False with e set ends the reading. */
typedef bool reader_mongo_take(void *ctx, struct str user, struct str item, int64_t time_ms,
                               const uint64_t order[2], struct err *e);

/* reader_mongo_events hands over every event. False with e set: the server fails, a document is not
 * what Weir writes, or take refused. */
MUST_CHECK bool reader_mongo_events(struct client_mongo *client, reader_mongo_take *take, void *ctx,
                                    struct err *e);

#endif
