/* What waves count. */
#ifndef WEIR_RECOMMEND_TALLY_H
#define WEIR_RECOMMEND_TALLY_H

#include "base/metrics.h"
#include "flow/slate.h"

/* All refs in the metrics of the daemon. */
struct tally {
    struct metric *served[SLATE_SOURCE_N];
    struct metric *out, *due, *rounds, *merged, *adopted, *stale, *in_flight, *retries, *flush;
    struct metric *hot_failed;
};

void tally_init(struct tally *t, struct metrics *m);

#endif
