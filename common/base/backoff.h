/* When to try again after a failure: pauses that double up to a limit, shortened at random by up to a half so that
 * those who failed together do not come back together. */
#ifndef WEIR_BASE_BACKOFF_H
#define WEIR_BASE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_LAST_MS = 1000 };

struct backoff {
    int64_t pause_ms; /* the last one; 0 = all is well */
    int64_t until_ms;
};

/* backoff_failed begins the next pause. */
void backoff_failed(struct backoff *b, int64_t now_ms);

/* backoff_done forgets all failures. */
void backoff_done(struct backoff *b);

/* backoff_left_ms is how long to wait still; 0 = now. */
int64_t backoff_left_ms(const struct backoff *b, int64_t now_ms);

#endif
