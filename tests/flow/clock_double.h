/* The clock of the flow tests stands still; only the test moves it. It stands in for clock_now_ms and clock_now_us of
 * base/clock.c, by the linker's --wrap (see ../CMakeLists.txt). */
#ifndef WEIR_TESTS_CLOCK_DOUBLE_H
#define WEIR_TESTS_CLOCK_DOUBLE_H

#include <stdint.h>

void clock_double_pass(int64_t ms);

#endif
