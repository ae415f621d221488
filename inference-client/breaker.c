#include "inference-client/breaker.h"

bool breaker_open(const struct breaker *b)
{
    return b->failures >= b->failures_max;
}

bool breaker_admits(struct breaker *b, int64_t now_ms)
{
    if (!breaker_open(b)) return true;
    if (b->probing || now_ms < b->until_ms) return false;
    b->probing = true;
    return true;
}

void breaker_good(struct breaker *b)
{
    b->failures = 0;
    b->probing = false;
}

void breaker_bad(struct breaker *b, int64_t now_ms)
{
    b->failures++;
    b->probing = false;
    if (breaker_open(b)) b->until_ms = now_ms + b->pause_ms;
}

void breaker_forget(struct breaker *b)
{
    b->probing = false;
}
