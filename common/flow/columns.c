#include "flow/columns.h"

#include <string.h>

static int column_of(const struct columns *c, const char *name)
{
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->names[i], name) == 0) return i;
    return -1;
}

static bool name_is_good(struct str name)
{
    if (name.len == 0 || name.len >= COLUMNS_NAME_MAX || !str_is_text(name)) return false;
    return !str_eq(name, str_of("_id")) && !memchr(name.at, '.', name.len) &&
           !memchr(name.at, '$', name.len);
}

static bool add(struct columns *c, struct str name, struct err *e)
{
    if (c->n == COLUMNS_MAX) return err_refuse(e, "columns: more than %d", COLUMNS_MAX);
    if (!name_is_good(name))
        return err_refuse(e, "columns: bad name \"%.*s\": 1 to 63 bytes, not _id, no '.' or '$'",
                          STR_ARGS(name));
    memcpy(c->names[c->n], name.at, name.len);
    c->names[c->n][name.len] = '\0';
    if (strcmp(c->names[c->n], "-") != 0 && column_of(c, c->names[c->n]) >= 0)
        return err_refuse(e, "columns: \"%s\" is there twice", c->names[c->n]);
    c->n++;
    return true;
}

bool columns_parse(struct columns *c, const char *spec, struct err *e)
{
    *c = (struct columns){0};
    for (struct str rest = str_of(spec); rest.at;)
        if (!add(c, str_trim(str_cut(&rest, ',')), e)) return false;
    c->user = column_of(c, "user");
    c->item = column_of(c, "item");
    c->time = column_of(c, "time");
    c->behavior = column_of(c, "behavior");
    if (c->user < 0 || c->item < 0 || c->time < 0)
        return err_refuse(e, "columns: \"%s\" must name user, item and time", spec);
    return true;
}

bool columns_kept(const struct columns *c, int column)
{
    return column != c->user && column != c->item && column != c->time && column != c->behavior &&
           strcmp(c->names[column], "-") != 0;
}
