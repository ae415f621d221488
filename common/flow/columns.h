/* The columns of a log, by name: "user,item,category,behavior,time". */
#ifndef WEIR_FLOW_COLUMNS_H
#define WEIR_FLOW_COLUMNS_H

#include "base/err.h"
#include "base/str.h"

enum { COLUMNS_MAX = 32, COLUMNS_NAME_MAX = 64 };

struct columns {
    int n;
    char names[COLUMNS_MAX][COLUMNS_NAME_MAX]; /* "-" = ignored */
    int user, item, time, behavior;            /* indices; behavior is -1 if there is none */
};

/* columns_parse reads a comma-separated list. user, item and time must be there; names are unique, 1..63
 * bytes, not "_id", without '.' and '$' (they become field names in MongoDB). */
MUST_CHECK bool columns_parse(struct columns *c, const char *spec, struct err *e);

/* columns_kept is true for a column whose value is kept as it is: named, and none of the four above. */
bool columns_kept(const struct columns *c, int column);

#endif
