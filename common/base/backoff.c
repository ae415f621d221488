#include "base/backoff.h"

#include <stdlib.h>

void backoff_failed(struct backoff *b, int64_t now_ms)
{
    int64_t pause_ms = b->pause_ms ? b->pause_ms * 2 : BACKOFF_FIRST_MS;
    b->pause_ms = pause_ms < BACKOFF_LAST_MS ? pause_ms : BACKOFF_LAST_MS;
    b->until_ms = now_ms + b->pause_ms - arc4random_uniform((uint32_t)b->pause_ms / 2);
}

void backoff_done(struct backoff *b)
{
    *b = (struct backoff){0};
}

int64_t backoff_left_ms(const struct backoff *b, int64_t now_ms)
{
    return b->pause_ms && b->until_ms > now_ms ? b->until_ms - now_ms : 0;
}
