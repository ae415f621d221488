#ifndef WEIR_RESET_WIPE_MONGO_H
#define WEIR_RESET_WIPE_MONGO_H

#include "io/client_mongo.h"

/* wipe_mongo drops collections (names up to NULL), one after the other; one that is not there is
 * fine. */
MUST_CHECK bool wipe_mongo(const struct client_mongo_conf *conf, const char *const *names,
                           struct err *e);

#endif
