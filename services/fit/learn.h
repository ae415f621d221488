/* Learns item-to-item transitions: T[a][b] += 0.7^(distance-1) whenever a user saw b at most 3
 * places after a. */
#ifndef WEIR_FIT_LEARN_H
#define WEIR_FIT_LEARN_H

#include "services/model.h"

struct learn;

struct learn *learn_new(void);
void learn_free(struct learn *l); /* NULL is fine */

/* learn_add takes a row of the log, in the order of the log; false with e set: more than a model
 * can number. */
MUST_CHECK bool learn_add(struct learn *l, struct str user, struct str item, int64_t time_ms,
                          struct err *e);

/* learn_model ends the learning: users' items in order of time, equal times in the order of the
 * log. The model's arrays are owned by l. Called once. */
struct model learn_model(struct learn *l);

#endif
