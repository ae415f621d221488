/* The supervisor's protocol (systemd's sd_notify); nothing happens without a supervisor. */
#ifndef WEIR_BASE_NOTIFY_H
#define WEIR_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify {
    int64_t watchdog_ms; /* how often the watchdog is fed; 0 = there is none */
    int64_t fed_ms, status_ms;
    bool starting; /* neither READY nor STOPPING was said */
};

void notify_init(struct notify *n);
void notify_ready(struct notify *n);
void notify_stopping(struct notify *n);

/* notify_status shows a line, at most one a second: others are dropped. */
void notify_status(struct notify *n, int64_t now_ms, const char *line);

/* notify_alive feeds the watchdog when it is time again, and asks for as much time to start. */
void notify_alive(struct notify *n, int64_t now_ms);

#endif
