#include "replay/pace.h"

bool pace_paced(const struct pace *p)
{
    return p->speed > 0 || p->rate > 0;
}

int64_t pace_due_us(struct pace *p, int64_t time_ms, int64_t now_us)
{
    if (!p->start_us) {
        p->start_us = now_us;
        p->first_ms = time_ms;
    }
    int64_t row = p->rows++;
    if (p->rate) return p->start_us + (int64_t)((double)row * 1e6 / (double)p->rate);
    if (p->speed > 0)
        return p->start_us + (int64_t)((double)(time_ms - p->first_ms) * 1000 / p->speed);
    return now_us;
}
