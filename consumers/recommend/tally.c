#include "recommend/tally.h"

#include <stdlib.h>

#include "base/mem.h"

void tally_init(struct tally *t, struct metrics *m)
{
    for (int i = 0; i < SLATE_SOURCE_N; i++) {
        char *label = mem_printf("source=\"%s\"", slate_source_name((enum slate_source)i));
        t->served[i] = metrics_counter(m, "served_total", label,
                                       "recommendations served, by where their items are from");
        free(label);
    }
    t->out = metrics_counter(m, "rows_out_total", "", "recommendations stored");
    t->due = metrics_counter(m, "due_total", "", "due (user, interval) that are done");
    t->rounds = metrics_counter(m, "rounds_total", "", "rounds that are done");
    t->merged = metrics_counter(m, "merged_total", "",
                                "due ones that a stored recommendation knew already");
    t->adopted = metrics_counter(m, "adopted_total", "",
                                 "recommendations that were stored already and taken over");
    t->stale = metrics_counter(m, "stale_updates_total", "",
                               "writes of users refused since another was first, merged again");
    t->in_flight = metrics_gauge(m, "in_flight", "", "users whose round is being served");
    t->retries = metrics_counter(m, "retries_total", "", "steps that failed and are tried again");
    t->flush = metrics_histogram(m, "flush_seconds", "", "time to store the users of a wave");
    t->hot_failed =
        metrics_counter(m, "hot_failures_total", "", "looks at the hot list without an answer");
}
