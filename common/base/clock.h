/* Processing time. Event time never comes from here. */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* clock_now_ms is the monotonic time in ms, for timers and durations. */
int64_t clock_now_ms(void);

/* clock_now_us is the same in microseconds. */
int64_t clock_now_us(void);

/* clock_wall_ms is the time of day, ms UTC since 1970, for people only. */
int64_t clock_wall_ms(void);

enum { CLOCK_TEXT_BYTES = 32 };

/* clock_text writes ms UTC as 2017-11-25T08:00:00.000Z into text and returns text. */
const char *clock_text(int64_t ms, char text[CLOCK_TEXT_BYTES]);

#endif
