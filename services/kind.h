/* The kinds of models: what each needs to know of its data, and how it scores the items for a user.
 * One file each. */
#ifndef WEIR_SERVICES_KIND_H
#define WEIR_SERVICES_KIND_H

#include "base/str.h"
#include "services/array_file.h"
#include "services/nearest.h"
#include "services/scores.h"

struct model;

enum { KIND_PARAMETERS_MAX = 4 };

/* A setting that the scores depend on. */
struct kind_parameter {
    const char *name;
    double min, max;
};

struct kind {
    const char *name;
    enum array_file_type types[ARRAY_FILE_MAX];            /* of its data */
    size_t arrays_n;                                       /* 0 = it has no data, but parts */
    bool knows_users;                                      /* its first two arrays are their ids */
    struct kind_parameter parameters[KIND_PARAMETERS_MAX]; /* as m->parameters; ends with no name */
    /* NULL, or what is wrong with the data (static text): whatever score uses is bounded after it. */
    const char *(*check)(const struct model *m);
    /* One thread's memory for score; NULL where none is needed. All of it is 0 between two users. */
    void *(*work_new)(const struct model *m);
    void (*work_free)(const struct model *m, void *work);
    /* Adds the scores of a user who had these items, oldest first, IDS_UNKNOWN among them: finite, in
     * an order of additions that does not depend on chance. What is not reached is no candidate. */
    void (*score)(const struct model *m, void *work, const uint32_t *items, size_t items_n,
                  struct scores *out);
    /* Both NULL, or: all items have a vector, and one for the user's question gives their scores as dot
     * products. query is false where it knows nothing of what it is asked. */
    struct nearest (*nearest)(const struct model *m);
    bool (*query)(const struct model *m, struct str user, const uint32_t *items, size_t items_n,
                  float ret_vector[NEAREST_DIMS]);
};

extern const struct kind popular_kind, transitions_kind, itemknn_kind, vmisknn_kind, ease_kind,
    ddpg_kind, blend_kind;

#endif
