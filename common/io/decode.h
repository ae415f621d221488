/* The one decoder that all daemons share: a row of the log becomes an event, or is bad for a reason. It is a
 * pure function of the row, its record's timestamp and the configuration: the same answer everywhere, for ever.
 *
 * CSV: fields are the bytes between separators; there is no quoting (ids may hold quotes). A row has exactly
 * the configured columns; one CR at its end is dropped. JSON: an object with the columns as members. */
#ifndef WEIR_IO_DECODE_H
#define WEIR_IO_DECODE_H

#include "base/config.h"
#include "flow/event.h"
#include "flow/source.h"

/* [record]: shared by every program that reads rows. */
struct decode_conf {
    int format; /* enum decode_format */
    char *columns;
    char *separator; /* one byte, or "\t" */
    int time_unit;   /* enum decode_unit */
    int64_t time_min_ms, time_max_ms, max_ahead_ms;
};

enum decode_format { DECODE_CSV, DECODE_JSON };
enum decode_unit { DECODE_S, DECODE_MS, DECODE_US };

extern const struct config_row decode_rows[];

/* Why a row is bad; decode_reason gives the word for labels and dead letters. */
enum decode_verdict {
    DECODE_GOOD,
    DECODE_EMPTY,   /* no bytes */
    DECODE_LONG,    /* more than DECODE_ROW_MAX_BYTES */
    DECODE_COLUMNS, /* too few or too many, or not an object */
    DECODE_USER,    /* not 1..256 bytes of text */
    DECODE_ITEM,
    DECODE_FIELD, /* another column: not text, or more than DECODE_FIELD_MAX_BYTES */
    DECODE_TIME,  /* not an integer */
    DECODE_RANGE, /* outside time.min..time.max */
    DECODE_AHEAD, /* more than max.ahead beyond its record's timestamp (topics with broker time) */
    DECODE_N
};

enum { DECODE_ROW_MAX_BYTES = 65536, DECODE_FIELD_MAX_BYTES = 4096 };

const char *decode_reason(enum decode_verdict v);

struct decoder; /* owns what it lends to events */

MUST_CHECK struct decoder *decode_new(const struct decode_conf *conf, struct err *e);
void decode_free(struct decoder *d);
const struct columns *decode_columns(const struct decoder *d);

/* decode_digest tells configurations apart that decide differently about rows; for commit metadata. */
int64_t decode_digest(const struct decode_conf *conf);

/* decode_row fills ret_event from one row of a record (position.row is the caller's index). What the event
 * points to lives until the next call or until the row's bytes go. */
enum decode_verdict decode_row(struct decoder *d, const struct record *r, struct str row,
                               int32_t index, struct event *ret_event);

/* decode_next_row takes the next row off the front of a record's value: rows are separated by newlines, one
 * at the end adds none; an empty or null value is one empty row. Start with *rest = r->value and *index = -1;
 * false = no more. */
bool decode_next_row(struct str *rest, struct str *ret_row, int32_t *index);

#endif
