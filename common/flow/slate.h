/* A slate: the items of one recommendation, and where they came from. */
#ifndef WEIR_FLOW_SLATE_H
#define WEIR_FLOW_SLATE_H

#include "flow/event.h"

enum slate_source {
    SLATE_NONE,  /* no items */
    SLATE_HOT,   /* all from the hot list */
    SLATE_MIXED, /* the model's, filled up from the hot list */
    SLATE_MODEL, /* all from the model */
    SLATE_SOURCE_N
};

/* Never changes once it is made. One block of memory, texts included: released by free(). */
struct slate {
    enum slate_source source;
    size_t n;
    struct str items[]; /* best first */
};

/* slate_new copies n items. */
struct slate *slate_new(enum slate_source source, const struct str *items, size_t n);

bool slate_has(const struct slate *s, struct str item);

/* slate_source_name is the word in documents and labels: "none", "hot", "mixed", "model". */
const char *slate_source_name(enum slate_source source);

/* slate_source_of reads that word. */
MUST_CHECK bool slate_source_of(struct str name, enum slate_source *ret_source);

enum { SLATE_ID_BYTES = EVENT_KEY_MAX + 1 + 20 + 1 };

/* slate_id writes a recommendation's _id, user US interval end in ms (US = 0x1f), and returns
 * it. */
struct str slate_id(struct str user, int64_t end_ms, char text[SLATE_ID_BYTES]);

#endif
