/* A replay: the rows of a log, validated, paced and sent to weir-events exactly once per job. */
#ifndef WEIR_REPLAY_REPLAY_H
#define WEIR_REPLAY_REPLAY_H

#include "flow/watermark.h"
#include "flow/window.h"
#include "io/decode.h"
#include "io/topics_kafka.h"

/* [replay] */
struct replay_options {
    char *job, *speed;
    int64_t rate, limit, loop, rows_per_record, sort_bytes;
    int64_t from_ms, until_ms, max_jump_ms;
    bool max, header, sort, dry_run, strict, restart;
};

extern const struct config_row replay_rows[];

struct replay_conf {
    struct conf_kafka kafka;
    struct topics_kafka_conf topics;
    struct decode_conf record;
    struct watermark_conf time; /* for the count of late rows only */
    struct window_conf window;  /* same */
    struct replay_options replay;
};

/* replay_run replays path: a file, "-" or "topic:NAME". running() turns false when the user wants to stop. False with e
 * set when it could not go on; a later run of the same job does. */
MUST_CHECK bool replay_run(const struct replay_conf *conf, const char *path, bool (*running)(void),
                           struct err *e);

#endif
