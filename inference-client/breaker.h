/* A circuit breaker: after so many failures in a row nothing is sent for a while; then one
 * attempt probes, and decides whether it goes on. M. Nygard, Release It!, 5.2. */
#ifndef WEIR_INFERENCE_CLIENT_BREAKER_H
#define WEIR_INFERENCE_CLIENT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct breaker {
    int64_t failures_max, pause_ms; /* set by the caller, the rest is 0 at first */
    int64_t failures, until_ms;
    bool probing;
};

/* breaker_open is true while the service counts as broken. */
bool breaker_open(const struct breaker *b);

/* breaker_admits is true if an attempt may start now; the caller then starts it and reports its
 * outcome. */
bool breaker_admits(struct breaker *b, int64_t now_ms);

void breaker_good(struct breaker *b);
void breaker_bad(struct breaker *b, int64_t now_ms);

/* breaker_forget withdraws an attempt without an outcome. */
void breaker_forget(struct breaker *b);

#endif
