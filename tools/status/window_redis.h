/* The current window as readers see it. */
#ifndef WEIR_STATUS_WINDOW_REDIS_H
#define WEIR_STATUS_WINDOW_REDIS_H

#include "io/client_redis.h"
#include "status/view.h"

/* window_redis_read fills w from the hash at key; none there: w->exists is false. */
MUST_CHECK bool window_redis_read(struct client_redis *c, const char *key, struct view_window *w,
                                  struct err *e);

#endif
