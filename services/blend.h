/* The one piece of a blend that its fit needs too. */
#ifndef WEIR_SERVICES_BLEND_H
#define WEIR_SERVICES_BLEND_H

#include "services/scores.h"

/* What a part's scores have in common: over all candidates of a user, those that this part has not
 * reached score 0. */
struct blend_scale {
    double mean, deviation; /* deviation 0 = they are all alike: they say nothing */
};

struct blend_scale blend_scale(const struct scores *part, size_t candidates_n);

/* blend_z is the z-score of an item. */
static inline double blend_z(const struct scores *part, const struct blend_scale *s, uint32_t item)
{
    return s->deviation > 0 ? (part->at[item] - s->mean) / s->deviation : 0;
}

#endif
