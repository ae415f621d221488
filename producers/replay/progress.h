/* How far a replay is: a bar on a terminal, a log line every 10 s elsewhere. */
#ifndef WEIR_REPLAY_PROGRESS_H
#define WEIR_REPLAY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool terminal;
    int64_t start_us, shown_us, shown_rows;
};

void progress_init(struct progress *p);

/* progress_show prints if it is time to; share of the work is 0..1, or -1 if unknown. */
void progress_show(struct progress *p, int64_t rows, double share, int64_t event_ms);

/* progress_end ends the bar's line. */
void progress_end(const struct progress *p);

#endif
