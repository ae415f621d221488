/* When the process dies: at the k-th chance, of which there are two at every effect that it has on the world outside, one
 * before and one after it. From then on nothing that it does has an effect. */
#ifndef WEIR_TESTS_FATE_H
#define WEIR_TESTS_FATE_H

#include <stdint.h>

#include "base/err.h"

/* fate_set brings the process to life and lets it die at chance k = 1, 2, ...; 0 = never. */
void fate_set(int64_t k);

/* fate_strikes is true when the process is dead now; e is set to what ends every loop. */
bool fate_strikes(struct err *e);
bool fate_dead(void);
bool fate_pending(void); /* set, and still to come */

#endif
