/* Where a consumer of weir-events begins to read.
 *
 * A group without offsets is new, or its offsets have expired (7 days without members) while its store still
 * holds what it wrote: then going on would skip or repeat rows unseen, so that is refused. The start of a new
 * group is one decision for all partitions: the owner of partition 0 commits it for every partition in one
 * request, before any row is read, and the others wait until they see it. So a partition without an offset
 * beside a partition 0 that has one was added later, and is read from its beginning. */
#ifndef WEIR_CONSUMERS_START_H
#define WEIR_CONSUMERS_START_H

#include "flow/source.h"

struct start_rule {
    struct source *source; /* ref in caller */
    const char *scope;     /* what weir-reset calls the consumer */
    const char *metadata;  /* of a partition of which nothing was read yet */
    /* Whether the consumer's store holds nothing; false with e set when it cannot be asked. */
    bool (*store_is_empty)(void *self, bool *ret_empty, struct err *e);
    void *self;
};

enum start {
    START_GO,     /* every part has an offset and metadata, as committed */
    START_LATER,  /* not yet, e says why: clear it and try again in a while (source_reload) */
    START_FAILED, /* e says why */
};

/* start_positions completes the parts that assigned() was given. */
MUST_CHECK enum start start_positions(const struct start_rule *rule, struct checkpoint *parts,
                                      size_t n, struct err *e);

/* After START_LATER nothing is read, and the start is tried again when a pause is over. */
struct start_pause {
    int64_t until_ms; /* 0 = nothing to wait for */
    int64_t tell_ms;  /* when the log may hear of it again */
};

/* start_put_off logs e (at most every 10 s), clears it, and has the partitions assigned somewhere, where the stage must not want them. */
void start_put_off(struct start_pause *p, const char *comp, struct checkpoint *parts, size_t n,
                   struct err *e);

/* start_again has the source assign anew when the pause is over; nothing without one. */
MUST_CHECK bool start_again(struct start_pause *p, struct source *source, int64_t now_ms,
                            struct err *e);

#endif
