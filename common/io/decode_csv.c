#include <string.h>

#include "io/decode_formats.h"

bool decode_csv_split(const struct columns *c, char separator, struct str row, struct str *fields)
{
    const char *at = row.at, *end = row.at + row.len;
    for (int i = 0; i < c->n - 1; i++) {
        const char *found = memchr(at, separator, (size_t)(end - at));
        if (!found) return false;
        fields[i] = (struct str){at, (size_t)(found - at)};
        at = found + 1;
    }
    fields[c->n - 1] = (struct str){at, (size_t)(end - at)};
    return !memchr(at, separator, (size_t)(end - at));
}
