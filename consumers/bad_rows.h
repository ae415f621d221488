/* The counters of rows that are no events, one for each reason: the same in every reader of weir-events. */
#ifndef WEIR_CONSUMERS_BAD_ROWS_H
#define WEIR_CONSUMERS_BAD_ROWS_H

#include "base/metrics.h"
#include "io/decode.h"

/* bad_rows_counters fills in the counter of every verdict but DECODE_GOOD. */
void bad_rows_counters(struct metrics *m, struct metric *ret_counters[DECODE_N]);

#endif
