/* How each kind of model is fitted: one file each. */
#ifndef WEIR_FIT_RECIPE_H
#define WEIR_FIT_RECIPE_H

#include "fit/progress.h"
#include "fit/sequences.h"
#include "fit/settings.h"
#include "services/model.h"

/* What a fit needs; lent. */
struct recipe {
    const struct sequences *log;
    const struct settings *settings;
    struct progress *progress;
};

/* Each returns a model in memory, which borrows the log's ids; the caller frees it. NULL with e set. */
typedef struct model *recipe_fit(const struct recipe *r, struct err *e);

recipe_fit popular_fit, transitions_fit, itemknn_fit, vmisknn_fit, ease_fit;

/* recipe_find finds the fit of a kind; NULL = it has none (blend). */
recipe_fit *recipe_find(const struct kind *kind);

/* recipe_model starts a model without data; arrays are added in the order of its kind's. */
struct model *recipe_model(const struct recipe *r, const struct kind *kind);

/* recipe_array adds an array, which the model takes. */
void recipe_array(struct model *m, uint64_t n, void *at_take);

#endif
