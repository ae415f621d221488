/* The pairs of a pass-through section. */
#ifndef WEIR_BASE_PAIRS_H
#define WEIR_BASE_PAIRS_H

#include "base/config.h"

/* pairs_secret is true for names whose values are never shown. */
bool pairs_secret(const char *name);

/* pairs_set replaces the value of a name, or adds the pair at the end. */
void pairs_set(struct config_pairs *pairs, const char *name, const char *value);

/* pairs_finish releases all pairs; values are wiped. */
void pairs_finish(struct config_pairs *pairs);

#endif
