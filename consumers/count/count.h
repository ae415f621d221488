/* The stage of weir-count: rows -> decided -> one batch, its late rows and its offsets in one Kafka transaction. */
#ifndef WEIR_COUNT_COUNT_H
#define WEIR_COUNT_COUNT_H

#include "consumers/input.h"
#include "count/op_count.h"
#include "io/sink_kafka.h"

/* [batch], [limits] */
struct count_conf {
    int64_t interval_ms, bytes; /* a batch ends with either */
    int64_t skew;               /* windows that a partition may be ahead of weir-rank */
};

extern const struct config_row count_rows[];

struct count_parts {
    const struct count_conf *conf;
    const struct op_count_conf *weight;
    const struct window_conf *window;
    const struct watermark_conf *time;
    const struct input_conf *input_conf;
    struct input *input; /* ref in caller, as all of these */
    struct sink_kafka *sink;
    struct daemon *daemon;
};

struct count;

/* count_check is part of -t. */
MUST_CHECK bool count_check(const struct count_parts *parts, struct err *e);

/* Reads the epoch of the rankings. NULL with e set when it cannot begin. */
MUST_CHECK struct count *count_new(const struct count_parts *parts, struct err *e);
void count_free(struct count *c); /* NULL is fine */

struct stage count_stage(struct count *c);

/* count_sink makes the producer for a count: its transactions are this instance's. */
MUST_CHECK struct sink_kafka *count_sink(const struct input_conf *conf, struct daemon *d,
                                         struct err *e);

#endif
