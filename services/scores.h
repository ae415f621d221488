/* What the items of a model score for one user: an array by item, and which were reached. One
 * thread's; all is zero between two users. */
#ifndef WEIR_SERVICES_SCORES_H
#define WEIR_SERVICES_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scores {
    double *at;        /* own; by item */
    bool *is_reached;  /* own; by item */
    uint32_t *reached; /* own; reached_n items, in the order of their first score */
    size_t reached_n;
};

void scores_init(struct scores *s, uint32_t items_n);
void scores_finish(struct scores *s);

/* scores_clear forgets the user. */
void scores_clear(struct scores *s);

/* scores_reach makes an item a candidate, whatever it scores. */
static inline void scores_reach(struct scores *s, uint32_t item)
{
    if (s->is_reached[item]) return;
    s->is_reached[item] = true;
    s->reached[s->reached_n++] = item;
}

static inline void scores_add(struct scores *s, uint32_t item, double score)
{
    scores_reach(s, item);
    s->at[item] += score;
}

#endif
