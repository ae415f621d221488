/* An integer weight per behaviour: "pv:1,cart:2,fav:2,buy:3", any other has the default. */
#ifndef WEIR_FLOW_WEIGHTS_H
#define WEIR_FLOW_WEIGHTS_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { WEIGHTS_MAX = 32, WEIGHTS_VALUE_MAX = 1000000 };

struct weights {
    int n;
    struct {
        char name[64];
        size_t name_len;
        int64_t weight;
    } at[WEIGHTS_MAX];
    int64_t fallback;
};

/* weights_parse reads the list; weights are 0..WEIGHTS_VALUE_MAX, names unique. */
MUST_CHECK bool weights_parse(struct weights *w, const char *spec, int64_t fallback, struct err *e);

/* weights_of returns the weight of a behaviour; an absent one has the default. */
int64_t weights_of(const struct weights *w, struct str behavior);

#endif
