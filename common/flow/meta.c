#include "flow/meta.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"

void meta_write(char text[CHECKPOINT_METADATA_BYTES], int version, const struct meta_field *fields,
                size_t n)
{
    struct buf b;
    buf_init(&b, CHECKPOINT_METADATA_BYTES - 1);
    buf_printf(&b, "v=%d", version);
    for (size_t i = 0; i < n; i++) {
        int64_t value = *fields[i].value;
        if (value == INT64_MIN)
            buf_printf(&b, " %s=-", fields[i].name);
        else if (value == INT64_MAX)
            buf_printf(&b, " %s=+", fields[i].name);
        else
            buf_printf(&b, " %s=%lld", fields[i].name, (long long)value);
    }
    assert(!b.overflow);
    memcpy(text, b.at, b.len);
    text[b.len] = '\0';
    buf_finish(&b);
}

static bool value_of(struct str text, int64_t *ret_value)
{
    if (str_eq(text, str_of("-"))) return *ret_value = INT64_MIN, true;
    if (str_eq(text, str_of("+"))) return *ret_value = INT64_MAX, true;
    return str_int64(text, ret_value);
}

static bool field(struct str *rest, const char *name, int64_t *ret_value)
{
    if (!rest->at) return false;
    struct str value = str_cut(rest, ' ');
    struct str found = str_cut(&value, '=');
    return value.at && str_eq(found, str_of(name)) && value_of(value, ret_value);
}

bool meta_read(const char *text, int version, const struct meta_field *fields, size_t n,
               struct err *e)
{
    struct str rest = str_of(text);
    int64_t found = 0;
    bool good = field(&rest, "v", &found) && found == version;
    for (size_t i = 0; good && i < n; i++) good = field(&rest, fields[i].name, fields[i].value);
    if (good && !rest.at) return true;
    return err_refuse(
        e,
        "commit metadata \"%.200s\" is not of version %d: it was written by another version "
        "of Weir or by hand; upgrade, or see weir-reset",
        text, version);
}

bool meta_refuse(const char *text, struct err *e)
{
    return err_refuse(e,
                      "commit metadata \"%.200s\" holds numbers that cannot be: it was changed by "
                      "hand; see weir-reset",
                      text);
}

bool meta_find(const char *text, const char *name, int64_t *ret_value)
{
    struct str rest = str_of(text);
    while (rest.at) {
        struct str copy = rest;
        if (field(&copy, name, ret_value)) return true;
        str_cut(&rest, ' ');
    }
    return false;
}
