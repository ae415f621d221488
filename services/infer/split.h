/* A route that splits its users between models: [ab] NAME = MODEL:WEIGHT,MODEL:WEIGHT. */
#ifndef WEIR_INFER_SPLIT_H
#define WEIR_INFER_SPLIT_H

#include "base/err.h"
#include "base/str.h"
#include "services/manifest_json.h"

enum { SPLIT_ARMS_MAX = 8, SPLIT_NAME_BYTES = MANIFEST_JSON_NAME_BYTES };

struct split {
    char name[SPLIT_NAME_BYTES];
    struct split_arm {
        char model[SPLIT_NAME_BYTES];
        uint32_t weight; /* 1..1000000 */
    } arms[SPLIT_ARMS_MAX];
    size_t arms_n;
};

/* split_read reads one; false with e set = refused. */
MUST_CHECK bool split_read(struct split *s, const char *name, const char *value, struct err *e);

/* split_arm gives a user's arm: the XXH64 of "NAME\0user", modulo the sum of the weights. */
size_t split_arm(const struct split *s, struct str user);

#endif
