/* When the next row is due. */
#ifndef WEIR_REPLAY_PACE_H
#define WEIR_REPLAY_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    double speed;     /* event time per time; 0 = not by event time */
    int64_t rate;     /* rows per second; 0 = not by rate */
    int64_t start_us; /* monotonic; 0 = no row yet */
    int64_t first_ms; /* event time of the first row */
    int64_t rows;     /* so far */
};

/* pace_paced is false when rows go as fast as they can. */
bool pace_paced(const struct pace *p);

/* pace_due_us returns when (monotonic) a row of this event time may go. Rows out of order never go back. */
int64_t pace_due_us(struct pace *p, int64_t time_ms, int64_t now_us);

#endif
