#include "services/scores.h"

#include <stdlib.h>

#include "base/mem.h"

void scores_init(struct scores *s, uint32_t items_n)
{
    *s = (struct scores){.at = mem_zero(items_n, sizeof s->at[0]),
                         .is_reached = mem_zero(items_n, sizeof s->is_reached[0]),
                         .reached = mem_zero(items_n, sizeof s->reached[0])};
}

void scores_finish(struct scores *s)
{
    free(s->at);
    free(s->is_reached);
    free(s->reached);
    *s = (struct scores){0};
}

void scores_clear(struct scores *s)
{
    for (size_t i = 0; i < s->reached_n; i++) {
        s->at[s->reached[i]] = 0;
        s->is_reached[s->reached[i]] = false;
    }
    s->reached_n = 0;
}
