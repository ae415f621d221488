#include "base/mem.h"
#include "fit/recipe.h"

struct model *popular_fit(const struct recipe *r, struct err *e)
{
    (void)e;
    const struct sequences *s = r->log;
    uint64_t *count = mem_zero(s->ids.n, sizeof count[0]);
    for (uint64_t i = 0; i < sequences_n(s); i++) count[s->item[i]]++;
    struct model *m = recipe_model(r, &popular_kind);
    recipe_array(m, s->ids.n, count);
    return m;
}
