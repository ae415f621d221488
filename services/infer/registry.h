/* The models that are served: every directory with a manifest under one root, by its name. A model is
 * replaced at once; who is being answered by the old one keeps it to the end. Safe for all threads. */
#ifndef WEIR_INFER_REGISTRY_H
#define WEIR_INFER_REGISTRY_H

#include "base/buf.h"
#include "base/metrics.h"
#include "services/ranker.h"

enum { REGISTRY_MAX = 64 };

/* One version of one model. */
struct registry_entry {
    char name[MODEL_NAME_BYTES];
    struct model *model;     /* own */
    int64_t loaded_ms;       /* time of day */
    size_t refs;             /* of the registry, and of those who took it */
    struct ranker *idle[16]; /* own; idle_n of them */
    size_t idle_n;
};

struct registry;

/* registry_new opens what is in root. A model that is refused is one log line; NULL with e set (the
 * first such refusal, or that there is none) if no model is left. */
MUST_CHECK struct registry *registry_new(const char *root, struct metrics *m, struct err *e);
void registry_free(struct registry *r); /* NULL is fine; all must be back */

/* registry_take lends an entry; NULL = there is no such model. Given back by registry_return. */
struct registry_entry *registry_take(struct registry *r, const char *name);
void registry_return(struct registry *r, struct registry_entry *entry);

/* registry_ranker lends a ranker of an entry that was taken, for one thread. */
struct ranker *registry_ranker(struct registry *r, struct registry_entry *entry);
void registry_ranker_return(struct registry *r, struct registry_entry *entry,
                            struct ranker *ranker);

/* registry_load loads or replaces one model, and then the blends that it is a part of. False with e
 * set: the new one was refused, and logged, and the old one stays. */
MUST_CHECK bool registry_load(struct registry *r, const char *name, struct err *e);

/* registry_load_all does so for all that is in root. */
void registry_load_all(struct registry *r);

/* registry_list appends the models as JSON. */
void registry_list(struct registry *r, struct buf *out);

#endif
