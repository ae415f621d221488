#include "replay/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { BAR_COLUMNS = 30, BAR_EVERY_US = 200000, LINE_EVERY_US = 10000000 };

void progress_init(struct progress *p)
{
    int64_t now = clock_now_us();
    *p = (struct progress){isatty(STDERR_FILENO) == 1, now, now, 0};
}

static void draw_bar(double share, double rate, const char *event, int64_t eta_s)
{
    char bar[BAR_COLUMNS + 1];
    int filled = share < 0 ? 0 : (int)(share * BAR_COLUMNS);
    memset(bar, '.', BAR_COLUMNS);
    memset(bar, '#', (size_t)filled);
    bar[BAR_COLUMNS] = '\0';
    fprintf(stderr, "\r[%s] %3.0f%%  %.0f rows/s  %s  ", bar, share < 0 ? 0 : share * 100, rate,
            event);
    if (eta_s >= 0)
        fprintf(stderr, "ETA %lld:%02lld ", (long long)eta_s / 60, (long long)eta_s % 60);
    fputs("\x1b[K", stderr);
}

void progress_show(struct progress *p, int64_t rows, double share, int64_t event_ms)
{
    int64_t now = clock_now_us(), since = now - p->shown_us;
    if (since < (p->terminal ? BAR_EVERY_US : LINE_EVERY_US)) return;
    char event[CLOCK_TEXT_BYTES];
    clock_text(event_ms, event);
    double rate = (double)(rows - p->shown_rows) * 1e6 / (double)since;
    double spent_s = (double)(now - p->start_us) / 1e6;
    int64_t eta_s = share > 0 ? (int64_t)(spent_s * (1 - share) / share) : -1;
    if (p->terminal)
        draw_bar(share, rate, event, eta_s);
    else
        log_info("replay", "progress", "rows=%lld rows_per_s=%.0f event_time=%s eta_s=%lld",
                 (long long)rows, rate, event, (long long)eta_s);
    p->shown_us = now;
    p->shown_rows = rows;
}

void progress_end(const struct progress *p)
{
    if (p->terminal) fputc('\n', stderr);
}
