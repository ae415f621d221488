#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_now_ms(void)
{
    return clock_now_us() / 1000;
}

int64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

const char *clock_text(int64_t ms, char text[CLOCK_TEXT_BYTES])
{
    bool before = ms % 1000 < 0; /* the second is the one that began before */
    int64_t part = ms % 1000 + (before ? 1000 : 0);
    time_t seconds = ms / 1000 - before;
    struct tm day;
    char whole[24];
    if (!gmtime_r(&seconds, &day) || !strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &day))
        snprintf(text, CLOCK_TEXT_BYTES, "%lldms", (long long)ms);
    else
        snprintf(text, CLOCK_TEXT_BYTES, "%s.%03dZ", whole, (int)part);
    return text;
}
