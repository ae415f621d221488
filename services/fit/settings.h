/* What weir-fit can be told: [fit] and a section for each kind. */
#ifndef WEIR_FIT_SETTINGS_H
#define WEIR_FIT_SETTINGS_H

#include "base/config.h"

struct settings {
    char *out;   /* the model's directory; "" = models/KIND */
    char *parts; /* of a blend: names of models beside it */
    bool from_mongodb, validate;
    int split;            /* enum settings_split */
    int64_t hold_back_ms; /* of the end of the log, which is not learned from */
    struct {
        int64_t neighbours, recent;
        double decay;
    } itemknn;
    struct {
        int64_t sessions, neighbours, recent;
        double near;
    } vmisknn;
    struct {
        double ridge, recency;
        int64_t items;
    } ease;
};

enum settings_split { SETTINGS_LAST, SETTINGS_USERS };

extern const struct config_row settings_rows[];

#endif
