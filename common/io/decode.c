#include "io/decode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"
#include "flow/window.h"
#include "io/decode_formats.h"

#define ROW(key, kind, fallback, help, field, ...)                                                 \
    {                                                                                              \
        "record", key, kind, fallback, help, offsetof(struct decode_conf, field), __VA_ARGS__      \
    }

const struct config_row decode_rows[] = {
    ROW("format", CONFIG_CHOICE, "csv", "what a row is", format, .choices = "csv|json"),
    ROW("columns", CONFIG_STR, "user,item,category,behavior,time",
        "the columns in order; user, item and time must be there, - is ignored", columns, 0),
    ROW("separator", CONFIG_STR, ",", "between the columns of a csv row: one byte, or \\t",
        separator, 0),
    ROW("time_unit", CONFIG_CHOICE, "s", "what the time column counts since 1970", time_unit,
        .choices = "s|ms|us"),
    ROW("time.min", CONFIG_TIME, "1990-01-01", "rows before it are bad", time_min_ms, 0),
    ROW("time.max", CONFIG_TIME, "2100-01-01", "rows after it are bad", time_max_ms, 0),
    ROW("max.ahead", CONFIG_DURATION, "1h",
        "rows so far ahead of the broker's clock are bad (topics.time = append)", max_ahead_ms, 0),
    {0},
};

struct decoder {
    int format, time_unit;
    int64_t time_min_ms, time_max_ms, max_ahead_ms;
    char separator;
    struct columns columns;
    struct decode_json *json; /* own */
};

const char *decode_reason(enum decode_verdict v)
{
    static const char *const words[DECODE_N] = {
        [DECODE_GOOD] = "good",       [DECODE_EMPTY] = "empty", [DECODE_LONG] = "long",
        [DECODE_COLUMNS] = "columns", [DECODE_USER] = "user",   [DECODE_ITEM] = "item",
        [DECODE_FIELD] = "field",     [DECODE_TIME] = "time",   [DECODE_RANGE] = "range",
        [DECODE_AHEAD] = "ahead",
    };
    assert((unsigned)v < DECODE_N);
    return words[v];
}

static bool separator_of(const char *text, char *ret_separator)
{
    *ret_separator = strcmp(text, "\\t") == 0 ? '\t' : text[0];
    bool one = strcmp(text, "\\t") == 0 || (text[0] && !text[1]);
    return one && text[0] != '\n' && text[0] != '\r';
}

struct decoder *decode_new(const struct decode_conf *conf, struct err *e)
{
    struct decoder *d = mem_zero(1, sizeof *d);
    d->format = conf->format;
    d->time_unit = conf->time_unit;
    d->time_min_ms = conf->time_min_ms;
    d->time_max_ms = conf->time_max_ms;
    d->max_ahead_ms = conf->max_ahead_ms;
    if (conf->format == DECODE_JSON) d->json = decode_json_new();
    bool good = columns_parse(&d->columns, conf->columns, e);
    if (good && !separator_of(conf->separator, &d->separator))
        good = err_refuse(e, "record.separator \"%s\": one byte, or \\t", conf->separator);
    if (good && (conf->time_min_ms < -WINDOW_TIME_MAX_MS || conf->time_max_ms > WINDOW_TIME_MAX_MS))
        good = err_refuse(
            e, "record.time.min and record.time.max must lie within 271821 years of 1970");
    if (good && conf->time_min_ms > conf->time_max_ms)
        good = err_refuse(e, "record.time.min is after record.time.max: no row would be good");
    if (good) return d;
    decode_free(d);
    return NULL;
}

void decode_free(struct decoder *d)
{
    if (!d) return;
    decode_json_free(d->json);
    free(d);
}

const struct columns *decode_columns(const struct decoder *d)
{
    return &d->columns;
}

int64_t decode_digest(const struct decode_conf *conf)
{
    struct buf b;
    buf_init(&b, 65536);
    wire_put_int(&b, conf->format);
    wire_put_str(&b, str_of(conf->columns));
    wire_put_str(&b, str_of(conf->separator));
    wire_put_int(&b, conf->time_unit);
    wire_put_int(&b, conf->time_min_ms);
    wire_put_int(&b, conf->time_max_ms);
    wire_put_int(&b, conf->max_ahead_ms);
    int64_t digest = (int64_t)(wire_hash(buf_str(&b)) >> 2);
    buf_finish(&b);
    return digest;
}

/* --- rows ----------------------------------------------------------------------------------------- */

bool decode_next_row(struct str *rest, struct str *ret_row, int32_t *index)
{
    if (!rest->at && *index >= 0) return false;
    *ret_row = str_cut(rest, '\n');
    if (rest->len == 0) *rest = (struct str){0};
    ++*index;
    return true;
}

static bool is_id(struct str s, bool plain)
{
    return s.len >= 1 && s.len <= EVENT_KEY_MAX && (plain || str_is_text(s));
}

static bool fields_are_good(const struct columns *c, const struct str *fields)
{
    for (int i = 0; i < c->n; i++) {
        if (i != c->behavior && !columns_kept(c, i)) continue;
        if (fields[i].len > DECODE_FIELD_MAX_BYTES || !str_is_text(fields[i])) return false;
    }
    return true;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static enum decode_verdict time_of(const struct decoder *d, const struct record *r, struct str text,
                                   int64_t *ret_ms)
{
    int64_t time = 0;
    if (!str_int64(text, &time)) return DECODE_TIME;
    if (d->time_unit == DECODE_US) time = floor_div(time, 1000);
    if (d->time_unit == DECODE_S && __builtin_mul_overflow(time, 1000, &time)) return DECODE_RANGE;
    if (time < d->time_min_ms || time > d->time_max_ms) return DECODE_RANGE;
    bool after_record = r->log_append && r->timestamp_ms >= 0 && time > r->timestamp_ms;
    if (after_record && time - r->timestamp_ms > d->max_ahead_ms) return DECODE_AHEAD;
    *ret_ms = time;
    return DECODE_GOOD;
}

static enum decode_verdict split(struct decoder *d, struct str row, struct str *fields,
                                 bool *ret_plain)
{
    *ret_plain = false;
    if (row.len && row.at[row.len - 1] == '\r') row.len--;
    if (row.len == 0) return DECODE_EMPTY;
    if (row.len > DECODE_ROW_MAX_BYTES) return DECODE_LONG;
    bool good = d->format == DECODE_CSV
                    ? decode_csv_split(&d->columns, d->separator, row, fields, ret_plain)
                    : decode_json_split(d->json, &d->columns, row, fields);
    return good ? DECODE_GOOD : DECODE_COLUMNS;
}

enum decode_verdict decode_row(struct decoder *d, const struct record *r, struct str row,
                               int32_t index, struct event *ret_event)
{
    const struct columns *c = &d->columns;
    struct str *fields = ret_event->fields;
    bool plain;
    enum decode_verdict verdict = split(d, row, fields, &plain);
    if (verdict != DECODE_GOOD) return verdict;
    if (!is_id(fields[c->user], plain)) return DECODE_USER;
    if (!is_id(fields[c->item], plain)) return DECODE_ITEM;
    if (!plain && !fields_are_good(c, fields)) return DECODE_FIELD;
    ret_event->position = (struct position){r->partition, r->offset, index};
    ret_event->user = fields[c->user];
    ret_event->item = fields[c->item];
    ret_event->behavior = c->behavior < 0 ? (struct str){0} : fields[c->behavior];
    ret_event->columns = c;
    return time_of(d, r, fields[c->time], &ret_event->time_ms);
}
