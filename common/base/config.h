/* Configuration: an INI file and -o options, checked against tables of rows, one row per key.
 *
 * Each component keeps its rows beside the struct that they fill; a program lists its parts:
 *
 *     const struct config_part parts[] = {{mongo_rows, &conf.mongo}, {window_rows, &conf.window}, {0}};
 */
#ifndef WEIR_BASE_CONFIG_H
#define WEIR_BASE_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

enum config_type {
    CONFIG_STR,      /* char *        text, may be empty                          */
    CONFIG_INT,      /* int64_t       decimal, within min..max                    */
    CONFIG_DURATION, /* int64_t ms    "200ms", "10s", "5min", "1h", "7d"; "0"     */
    CONFIG_BYTES,    /* int64_t       "4096", "512KiB", "64MiB", "1GiB"           */
    CONFIG_BOOL,     /* bool          yes | no                                    */
    CONFIG_TIME,     /* int64_t ms    "2017-11-25", "2017-11-25T08:00:00Z" or ms  */
    CONFIG_CHOICE,   /* int           index into `choices`, a text "csv|json"     */
    CONFIG_REAL,     /* double        "1.05", not negative, within min..max       */
    CONFIG_SECRET,   /* char *        the row names a file; the field gets its first line.
                                      A relative path is looked up in $CREDENTIALS_DIRECTORY first.
                                      Never printed, refused as -o. Empty path = empty secret. */
    CONFIG_PAIRS,    /* struct config_pairs: every key of the section that no other row names */
};

struct config_row {
    const char *section, *name; /* name NULL for CONFIG_PAIRS */
    enum config_type type;
    const char *fallback; /* the default, as text */
    const char *help;     /* one line */
    size_t offset;        /* of the field in the part's struct */
    int64_t min, max;     /* of CONFIG_INT, CONFIG_DURATION, CONFIG_BYTES; both 0: 0..INT64_MAX */
    const char *choices;
};

/* A table ends with a row whose section is NULL. */
struct config_part {
    const struct config_row *rows; /* NULL ends the list of parts */
    void *into;
};

/* The pairs of a pass-through section, in order. Names or values with "password", "secret", ".pem" or
 * "oauthbearer" in the name are secrets: never printed, refused as -o. */
struct config_pairs {
    struct config_pair {
        char *name, *value; /* own */
    } * at;                 /* own */
    size_t n, cap;
};

/* config_defaults fills every field of every part from its row. */
MUST_CHECK bool config_defaults(const struct config_part *parts, struct err *e);

/* config_file reads an INI file over what is there. Unknown, double, malformed or overlong lines are
 * errors that name file and line. */
MUST_CHECK bool config_file(const struct config_part *parts, const char *path, struct err *e);

/* config_option applies one "section.key=value"; the section ends at the first dot. */
MUST_CHECK bool config_option(const struct config_part *parts, const char *option, struct err *e);

/* config_resolve reads the files of the secrets: called once, after file and options. */
MUST_CHECK bool config_resolve(const struct config_part *parts, struct err *e);

/* config_warn writes a comment for each file of a secret that everybody can read; before config_resolve. */
void config_warn(const struct config_part *parts, FILE *out);

/* config_find returns the row of "section.key", or NULL. Pass-through keys have none. */
const struct config_row *config_find(const struct config_part *parts, const char *key);

/* config_print writes the effective configuration as an INI file, secrets hidden. */
void config_print(const struct config_part *parts, FILE *out);

/* config_help writes every key with type, default and help, as a commented INI file. */
void config_help(const struct config_part *parts, FILE *out);

/* config_free releases what the fields own; secrets are wiped. */
void config_free(const struct config_part *parts);

#endif
