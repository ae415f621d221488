/* Where weir-fit's events come from. */
#ifndef WEIR_FIT_INPUT_H
#define WEIR_FIT_INPUT_H

#include "fit/progress.h"
#include "fit/sequences.h"
#include "io/client_mongo.h"
#include "io/decode.h"

/* input_file adds the good rows of a log, plain or .gz, or - (standard input). */
MUST_CHECK bool input_file(struct sequences_pool *p, const struct decode_conf *conf,
                           const char *path, struct progress *progress, struct err *e);

/* input_mongo adds all events of the archive. */
MUST_CHECK bool input_mongo(struct sequences_pool *p, const struct client_mongo_conf *conf,
                            struct progress *progress, struct err *e);

#endif
