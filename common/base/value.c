#include "base/value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"

struct unit {
    const char *name;
    int64_t size;
};

/* From the largest to the smallest: the first that divides a value prints it. */
static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}, {0},
};
static const struct unit sizes[] = {
    {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}, {0},
};

static bool read_number(struct str text, int64_t *ret_value)
{
    return text.len && text.at[0] != '-' && str_int64(text, ret_value);
}

/* A number and its unit, without a space. A duration of 0 needs no unit. */
static bool read_amount(struct str text, const struct unit *units, int64_t *ret_value)
{
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9') digits++;
    int64_t n;
    if (!read_number((struct str){text.at, digits}, &n)) return false;
    struct str unit = {text.at + digits, text.len - digits};
    for (; units->name; units++)
        if (str_eq(unit, str_of(units->name)))
            return !__builtin_mul_overflow(n, units->size, ret_value);
    *ret_value = 0;
    return n == 0 && unit.len == 0;
}

static void write_amount(int64_t value, const struct unit *units, struct buf *out)
{
    while (value % units->size) units++;
    buf_printf(out, value ? "%lld%s" : "%lld", (long long)(value / units->size), units->name);
}

/* 2017-11-25, 2017-11-25T08:00:00Z, 2017-11-25T08:00:00.000Z (all UTC), or ms since 1970. */
static bool read_time(struct str text, int64_t *ret_value)
{
    static const char longest[] = "9999-12-31T23:59:59.999Z";
    char whole[sizeof longest];
    struct tm day = {0};
    if (str_int64(text, ret_value)) return true;
    if (text.len >= sizeof whole) return false;
    memcpy(whole, text.at, text.len);
    whole[text.len] = '\0';
    const char *rest = strptime(whole, "%Y-%m-%d", &day);
    if (rest && *rest) rest = strptime(rest, "T%H:%M:%S", &day);
    int64_t ms = 0;
    if (rest && rest[0] == '.') {
        if (strlen(rest) != 5 || !read_number((struct str){rest + 1, 3}, &ms)) return false;
        rest += 4;
    }
    if (!rest || strcmp(rest, text.len > 10 ? "Z" : "") != 0) return false;
    *ret_value = (int64_t)timegm(&day) * 1000 + ms;
    /* strptime takes "2017-2-3" and timegm February 31: the text must be what the time prints as */
    char back[CLOCK_TEXT_BYTES];
    return strncmp(clock_text(*ret_value, back), whole, text.len > 19 ? 19 : text.len) == 0;
}

static void write_time(int64_t ms, struct buf *out)
{
    const int64_t year_0 = INT64_C(-62167219200000), year_10000 = INT64_C(253402300800000);
    char text[CLOCK_TEXT_BYTES];
    if (ms >= year_0 && ms < year_10000)
        buf_add_str(out, str_of(clock_text(ms, text)));
    else
        buf_printf(out, "%lld", (long long)ms);
}

static bool read_choice(const char *choices, struct str text, int *ret_index)
{
    struct str rest = str_of(choices);
    for (int i = 0; rest.at; i++)
        if (str_eq(str_cut(&rest, '|'), text)) return *ret_index = i, true;
    return false;
}

static struct str choice(const char *choices, int index)
{
    struct str rest = str_of(choices), piece = {0};
    for (int i = 0; i <= index; i++) piece = str_cut(&rest, '|');
    return piece;
}

static bool read_bool(struct str text, bool *ret_value)
{
    *ret_value = str_eq(text, str_of("yes"));
    return *ret_value || str_eq(text, str_of("no"));
}

/* Digits with at most one point: no sign, no exponent, no "inf". */
static bool read_real(struct str text, double *ret_value)
{
    char copy[32];
    if (text.len == 0 || text.len >= sizeof copy) return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (strspn(copy, "0123456789.") != text.len) return false;
    char *end;
    *ret_value = strtod(copy, &end);
    return *end == '\0';
}

static int64_t upper(const struct config_row *row)
{
    return row->min == 0 && row->max == 0 ? INT64_MAX : row->max;
}

static bool in_range(const struct config_row *row, int64_t value)
{
    return value >= row->min && value <= upper(row);
}

static bool replace_text(char **field, struct str text)
{
    free(*field);
    *field = mem_dup(text.at, text.len);
    return true;
}

static bool read_int64(const struct config_row *row, struct str text, int64_t *field)
{
    int64_t value;
    bool good;
    switch (row->type) {
    case CONFIG_INT: good = str_int64(text, &value) && in_range(row, value); break;
    case CONFIG_DURATION:
        good = read_amount(text, durations, &value) && in_range(row, value);
        break;
    case CONFIG_BYTES: good = read_amount(text, sizes, &value) && in_range(row, value); break;
    default: good = read_time(text, &value); break;
    }
    if (good) *field = value;
    return good;
}

bool value_read(const struct config_row *row, struct str text, void *field)
{
    if (!str_is_text(text)) return false;
    switch (row->type) {
    case CONFIG_STR:
    case CONFIG_SECRET: return replace_text(field, text);
    case CONFIG_BOOL: {
        bool value;
        return read_bool(text, &value) && (*(bool *)field = value, true);
    }
    case CONFIG_CHOICE: return read_choice(row->choices, text, field);
    case CONFIG_REAL: {
        double value;
        if (!read_real(text, &value) || value < (double)row->min || value > (double)upper(row))
            return false;
        return *(double *)field = value, true;
    }
    case CONFIG_PAIRS: assert(!"pairs have no single value"); return false;
    default: return read_int64(row, text, field);
    }
}

void value_write(const struct config_row *row, const void *field, struct buf *out)
{
    switch (row->type) {
    case CONFIG_STR: buf_add_str(out, str_of(*(char *const *)field)); break;
    case CONFIG_INT: buf_printf(out, "%lld", (long long)*(const int64_t *)field); break;
    case CONFIG_DURATION: write_amount(*(const int64_t *)field, durations, out); break;
    case CONFIG_BYTES: write_amount(*(const int64_t *)field, sizes, out); break;
    case CONFIG_BOOL: buf_add_str(out, str_of(*(const bool *)field ? "yes" : "no")); break;
    case CONFIG_TIME: write_time(*(const int64_t *)field, out); break;
    case CONFIG_CHOICE: buf_add_str(out, choice(row->choices, *(const int *)field)); break;
    case CONFIG_REAL: buf_printf(out, "%.15g", *(const double *)field); break;
    case CONFIG_SECRET: buf_add_str(out, str_of(**(char *const *)field ? "****" : "")); break;
    case CONFIG_PAIRS: assert(!"pairs have no single value");
    }
}

static void describe_range(const struct config_row *row, struct buf *out)
{
    if (row->min == 0 && row->max == 0) return;
    if (row->min) {
        buf_add_str(out, str_of(", from "));
        value_write(row, &row->min, out);
    }
    if (row->max == INT64_MAX) return;
    buf_add_str(out, str_of(row->min ? " to " : ", up to "));
    value_write(row, &row->max, out);
}

void value_describe(const struct config_row *row, struct buf *out)
{
    static const char *const what[] = {
        [CONFIG_STR] = "text",
        [CONFIG_INT] = "a whole number",
        [CONFIG_DURATION] = "a duration like 200ms, 10s, 5min, 1h or 7d",
        [CONFIG_BYTES] = "a size like 4096, 512KiB, 64MiB or 1GiB",
        [CONFIG_BOOL] = "yes or no",
        [CONFIG_TIME] = "a time like 2017-11-25, 2017-11-25T08:00:00Z or ms since 1970",
        [CONFIG_CHOICE] = "one of ",
        [CONFIG_REAL] = "a number like 1.05",
        [CONFIG_SECRET] = "the name of a file that holds the secret",
        [CONFIG_PAIRS] = "any other key",
    };
    buf_add_str(out, str_of(what[row->type]));
    if (row->type == CONFIG_CHOICE) buf_add_str(out, str_of(row->choices));
    if (row->type == CONFIG_INT || row->type == CONFIG_DURATION || row->type == CONFIG_BYTES)
        describe_range(row, out);
}

void value_free(const struct config_row *row, void *field)
{
    if (row->type != CONFIG_STR && row->type != CONFIG_SECRET) return;
    char **text = field;
    if (row->type == CONFIG_SECRET)
        secret_free(*text);
    else
        free(*text);
    *text = NULL;
}
