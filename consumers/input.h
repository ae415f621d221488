/* What every reader of weir-events needs: the topic, the meaning of its rows, and a place in a group. */
#ifndef WEIR_CONSUMERS_INPUT_H
#define WEIR_CONSUMERS_INPUT_H

#include "base/daemon.h"
#include "io/decode.h"
#include "io/source_kafka.h"
#include "io/topics_kafka.h"

struct input_conf {
    struct conf_kafka kafka;
    struct topics_kafka_conf topics;
    struct source_kafka_conf group;
    struct decode_conf record;
};

/* The elements of a config_part list for an input_conf. */
#define INPUT_PARTS(conf)                                                                          \
    {conf_kafka_rows, &(conf).kafka}, {topics_kafka_rows, &(conf).topics},                         \
        {source_kafka_rows, &(conf).group},                                                        \
    {                                                                                              \
        decode_rows, &(conf).record                                                                \
    }

/* input_check is true for a configuration that input_open will take. */
MUST_CHECK bool input_check(const struct input_conf *conf, struct err *e);

struct input {
    struct source *source;   /* own */
    struct decoder *decoder; /* own */
    int64_t epoch;           /* source.epoch, the first part of event ids */
};

/* input_open makes sure of the topics (events, state and those of the set `more`), reads the epoch and makes a
 * member of the group "<prefix>-<role>". What it opened is input_close's to free, also after an error. */
MUST_CHECK bool input_open(struct input *in, const struct input_conf *conf, const char *role,
                           unsigned more, struct daemon *d, struct err *e);
void input_close(struct input *in);

#endif
