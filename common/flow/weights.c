#include "flow/weights.h"

#include <string.h>

static const int64_t *find(const struct weights *w, struct str name)
{
    for (int i = 0; i < w->n; i++)
        if (str_eq((struct str){w->at[i].name, w->at[i].name_len}, name)) return &w->at[i].weight;
    return NULL;
}

static bool add(struct weights *w, struct str pair, struct err *e)
{
    struct str value = pair;
    struct str name = str_trim(str_cut(&value, ':'));
    int64_t weight = -1;
    if (!value.at || !str_int64(str_trim(value), &weight) || weight < 0 ||
        weight > WEIGHTS_VALUE_MAX)
        return err_refuse(e, "weights: \"%.*s\" is not name:weight with a weight of 0 to %d",
                          STR_ARGS(pair), WEIGHTS_VALUE_MAX);
    if (w->n == WEIGHTS_MAX || name.len == 0 || name.len >= sizeof w->at[0].name)
        return err_refuse(e, "weights: at most %d names of 1 to 63 bytes", WEIGHTS_MAX);
    if (find(w, name)) return err_refuse(e, "weights: \"%.*s\" is there twice", STR_ARGS(name));
    memcpy(w->at[w->n].name, name.at, name.len);
    w->at[w->n].name_len = name.len;
    w->at[w->n++].weight = weight;
    return true;
}

bool weights_parse(struct weights *w, const char *spec, int64_t fallback, struct err *e)
{
    *w = (struct weights){.fallback = fallback};
    for (struct str rest = str_of(spec); rest.len;)
        if (!add(w, str_cut(&rest, ','), e)) return false;
    return true;
}

int64_t weights_of(const struct weights *w, struct str behavior)
{
    const int64_t *weight = behavior.at ? find(w, behavior) : NULL;
    return weight ? *weight : w->fallback;
}
