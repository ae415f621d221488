/* A "ddpg" model of what a trainer has saved to a directory: items.npy (n, 32) and items.txt, an id a line in
 * the order of the rows; users.npy (u, 32) and users.txt; and the layers as torch.nn.Linear has them: w1.npy
 * (64, 352), b1.npy (64), w2.npy (64, 64), b2.npy (64), w3.npy (32, 64), b3.npy (32). */
#ifndef WEIR_FIT_DDPG_FIT_H
#define WEIR_FIT_DDPG_FIT_H

#include "services/model.h"

/* ddpg_fit returns a model in memory; the caller frees it. *ret_time_ms is when its newest file was written.
 * NULL with e set. */
MUST_CHECK struct model *ddpg_fit(const char *directory, int64_t *ret_time_ms, struct err *e);

#endif
