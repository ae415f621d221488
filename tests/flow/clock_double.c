#include "clock_double.h"

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_now_us(void);

static int64_t now_ms = 1000000;

void clock_double_pass(int64_t ms)
{
    now_ms += ms;
}

int64_t __wrap_clock_now_ms(void)
{
    return now_ms;
}

int64_t __wrap_clock_now_us(void)
{
    return now_ms * 1000;
}
