/* One line a second about what takes long. */
#ifndef WEIR_FIT_PROGRESS_H
#define WEIR_FIT_PROGRESS_H

#include <stdint.h>

struct progress {
    int64_t told_ms; /* 0 = never */
};

/* progress_tell logs how far a phase is, unless it did within the last second. of 0 = unknown. */
void progress_tell(struct progress *p, const char *phase, uint64_t done, uint64_t of);

#endif
