#include "consumers/bad_rows.h"

#include <stdio.h>

void bad_rows_counters(struct metrics *m, struct metric *ret_counters[DECODE_N])
{
    for (int i = DECODE_GOOD + 1; i < DECODE_N; i++) {
        char label[40];
        snprintf(label, sizeof label, "reason=\"%s\"", decode_reason((enum decode_verdict)i));
        ret_counters[i] = metrics_counter(m, "rows_bad_total", label, "Rows that are no events");
    }
}
