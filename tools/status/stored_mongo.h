/* How much is stored in MongoDB. */
#ifndef WEIR_STATUS_STORED_MONGO_H
#define WEIR_STATUS_STORED_MONGO_H

#include "io/client_mongo.h"
#include "status/view.h"

/* stored_mongo_read counts the documents of every collection, by its metadata: fast, and exact
 * while the server has not crashed. */
MUST_CHECK bool stored_mongo_read(struct client_mongo *c, struct view_stored *stored,
                                  struct err *e);

/* stored_mongo_archived counts the events of one source.epoch, one by one. */
MUST_CHECK bool stored_mongo_archived(struct client_mongo *c, int64_t epoch, int64_t *ret_n,
                                      struct err *e);

#endif
