#include "fit/recipe.h"

#include <assert.h>

#include "base/mem.h"

recipe_fit *recipe_find(const struct kind *kind)
{
    static const struct {
        const struct kind *kind;
        recipe_fit *fit;
    } all[] = {{&popular_kind, popular_fit},
               {&transitions_kind, transitions_fit},
               {&itemknn_kind, itemknn_fit},
               {&vmisknn_kind, vmisknn_fit},
               {&ease_kind, ease_fit}};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i].kind == kind) return all[i].fit;
    return NULL;
}

struct model *recipe_model(const struct recipe *r, const struct kind *kind)
{
    struct model *m = mem_zero(1, sizeof *m);
    m->kind = kind;
    m->ids = r->log->ids;
    return m;
}

void recipe_array(struct model *m, uint64_t n, void *at_take)
{
    size_t i = m->data.arrays_n++;
    assert(i < m->kind->arrays_n);
    m->data.arrays[i] = (struct array_file_array){m->kind->types[i], n, at_take};
}
