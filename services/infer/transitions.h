/* The algorithm "transitions": what people went to from the items this user saw last. */
#ifndef WEIR_INFER_TRANSITIONS_H
#define WEIR_INFER_TRANSITIONS_H

#include "services/model.h"

enum { TRANSITIONS_N_MAX = 1000 };

struct transitions; /* of one thread */

/* transitions_new ranks by a model, which must outlive it. */
struct transitions *transitions_new(const struct model *m);
void transitions_free(struct transitions *t); /* NULL is fine */

struct transitions_ask {
    const struct str *items; /* oldest first */
    size_t items_n;
    const struct str *exclude;
    size_t exclude_n;
    int n_rec; /* 1..TRANSITIONS_N_MAX */
};

/* transitions_rank writes at most n_rec items, best first, and returns how many: only items that
 * somebody went to from one of the last ten, none of the ask's own and none that it excludes. */
size_t transitions_rank(struct transitions *t, const struct transitions_ask *ask,
                        uint32_t ret_items[TRANSITIONS_N_MAX]);

#endif
