/* The visitors of the shop: who does what next. */
#ifndef WEIR_SYNTH_CROWD_H
#define WEIR_SYNTH_CROWD_H

#include "synth/shop.h"

struct crowd_conf {
    int64_t users;
    double rate;          /* rows per second of event time, on average */
    double session_rows;  /* mean length of a visit */
    double session_gap_s; /* mean time between two rows of a visit */
    int64_t start_ms;
};

struct crowd_act {
    int64_t time_ms, user, item;
    const char *behavior;
};

struct crowd;

/* dice and shop are borrowed for the crowd's life. */
struct crowd *crowd_new(const struct crowd_conf *conf, const struct shop *shop, struct dice *dice);
void crowd_free(struct crowd *c);

/* crowd_next returns what happens next, in order of time. */
struct crowd_act crowd_next(struct crowd *c);

#endif
