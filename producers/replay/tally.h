/* What became of the rows, and how far out of order they came. */
#ifndef WEIR_REPLAY_TALLY_H
#define WEIR_REPLAY_TALLY_H

#include "flow/watermark.h"
#include "io/decode.h"

struct tally {
    int64_t read_n, sent_n, skipped_n, bad_n; /* of this run */
    int64_t bad[DECODE_N];                    /* by reason */
    int64_t disordered_n, late_n;             /* behind their partition's clock; too far behind */
    int64_t *clocks;                          /* own, by partition */
};

void tally_init(struct tally *t, int32_t partitions);
void tally_finish(struct tally *t);

/* tally_sent counts a good row; panes are pane_ms long. */
void tally_sent(struct tally *t, const struct watermark_conf *time, int64_t pane_ms,
                int32_t partition, int64_t time_ms);

void tally_bad(struct tally *t, enum decode_verdict reason);

/* tally_text writes "read=.. sent=.. bad=.. ..." into out (cleared first). */
void tally_text(const struct tally *t, struct buf *out);

#endif
