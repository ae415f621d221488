/* Several models on the same questions: what a log has that is newer than all that any of them has
 * learned from, as their versions say. So none is asked about what it has seen. */
#ifndef WEIR_FIT_EVALUATION_H
#define WEIR_FIT_EVALUATION_H

#include "fit/sequences.h"

enum { EVALUATION_MODELS_MAX = 16 };

/* evaluation_print opens the models at the paths (ROOT/NAME, at most EVALUATION_MODELS_MAX) and writes
 * a line for each to standard output: model, version, since, cases, hr@10, mrr@20, ndcg@10. Asked is
 * for the items of newer rows that are new to their users, who have a row before; as many of them as a
 * holdout has. False with e set: a model is refused, or its version tells no time. */
MUST_CHECK bool evaluation_print(const struct sequences *log, char *const *paths, size_t n,
                                 struct err *e);

#endif
