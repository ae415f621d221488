#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/decode_formats.h"

struct decode_json {
    json_t *row; /* own: what the fields of the last call point into */
    char numbers[COLUMNS_MAX][24];
};

struct decode_json *decode_json_new(void)
{
    return mem_zero(1, sizeof(struct decode_json));
}

void decode_json_free(struct decode_json *j)
{
    if (!j) return;
    json_decref(j->row);
    free(j);
}

/* A value that cannot be a field becomes a byte that is no text and no number, so that it is refused under the
 * name of its column. */
static struct str field_of(const json_t *value, char number[24])
{
    if (!value || json_is_null(value)) return (struct str){0};
    if (json_is_string(value))
        return (struct str){json_string_value(value), json_string_length(value)};
    if (!json_is_integer(value)) return (struct str){"\0", 1};
    int len = snprintf(number, 24, "%lld", (long long)json_integer_value(value));
    return (struct str){number, (size_t)len};
}

bool decode_json_split(struct decode_json *j, const struct columns *c, struct str row,
                       struct str *fields)
{
    json_decref(j->row);
    j->row = json_loadb(row.at, row.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(j->row)) return false;
    for (int i = 0; i < c->n; i++)
        fields[i] = field_of(json_object_get(j->row, c->names[i]), j->numbers[i]);
    return fields[c->user].at && fields[c->item].at && fields[c->time].at;
}
