/* May we wait on for a server that does not answer? Whoever waits does so in slices and asks in between. */
#ifndef WEIR_BASE_PATIENCE_H
#define WEIR_BASE_PATIENCE_H

#include <stdbool.h>

struct patience {
    bool (*more)(void *ctx); /* false = give up now; NULL = wait on */
    void *ctx;
};

static inline bool patience_more(const struct patience *p)
{
    return !p->more || p->more(p->ctx);
}

#endif
