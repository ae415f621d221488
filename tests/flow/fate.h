/* What happens to the process: at its k-th chance it dies, or what it does fails. There are two chances at every effect that
 * it has on the world outside, one before and one after it. */
#ifndef WEIR_TESTS_FATE_H
#define WEIR_TESTS_FATE_H

#include <stdint.h>

#include "base/err.h"

enum fate {
    FATE_NONE,
    FATE_DEATH,   /* from then on nothing that it does has an effect */
    FATE_FAILURE, /* once; whether there was an effect, it does not know */
};

/* fate_set brings the process to life and decides what comes at chance k = 1, 2, ... */
void fate_set(enum fate fate, int64_t k);

/* fate_ask is asked at each chance; sets e if something happens. */
enum fate fate_ask(struct err *e);

/* What has happened since fate_set, and whether it is still to come. */
bool fate_is(enum fate fate);
bool fate_pending(void);

#endif
