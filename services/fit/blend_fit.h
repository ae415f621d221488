/* The weights of a blend. */
#ifndef WEIR_FIT_BLEND_FIT_H
#define WEIR_FIT_BLEND_FIT_H

#include "fit/recipe.h"

/* blend_fit fits the parts, with the settings that their manifests in root have, on a part of the log,
 * finds the weights by which their mix ranks the rest best (NDCG@10), and returns the blend; NULL with e
 * set. */
struct model *blend_fit(const struct recipe *r, const char *root, struct err *e);

#endif
