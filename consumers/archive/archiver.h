/* The stage of weir-archive: rows -> batch -> MongoDB and dead letters -> commit. */
#ifndef WEIR_ARCHIVE_ARCHIVER_H
#define WEIR_ARCHIVE_ARCHIVER_H

#include "archive/letters.h"
#include "consumers/input.h"
#include "io/events_mongo.h"

/* [batch] */
struct archiver_conf {
    int64_t rows, interval_ms; /* a batch ends with either */
};

extern const struct config_row archiver_rows[];

struct archiver_parts {
    const struct archiver_conf *conf;
    const struct events_mongo_conf *archive;
    const struct input_conf *input_conf;
    struct input *input; /* ref in caller, as all of these */
    struct events_mongo *events;
    struct letters *letters;
    struct daemon *daemon;
};

struct archiver;

struct archiver *archiver_new(const struct archiver_parts *parts);
void archiver_free(struct archiver *a); /* NULL is fine */

struct stage archiver_stage(struct archiver *a);

#endif
