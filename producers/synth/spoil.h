/* What real logs suffer from: rows out of order, rows far too late, rows that are no rows. */
#ifndef WEIR_SYNTH_SPOIL_H
#define WEIR_SYNTH_SPOIL_H

#include "base/buf.h"
#include "synth/crowd.h"

struct spoil_conf {
    double disorder; /* share of rows that come up to disorder_ms late */
    int64_t disorder_ms;
    double late; /* share of rows that come up to late_ms late */
    int64_t late_ms;
    double bad; /* share of rows that are followed by a bad one */
};

/* spoil_time returns the event time that a row written now carries. */
int64_t spoil_time(const struct spoil_conf *conf, struct dice *dice, int64_t now_ms);

/* spoil_row appends a bad row of some kind, with its newline. */
void spoil_row(struct buf *out, struct dice *dice, const struct crowd_act *act);

#endif
