#include "replay/tally.h"

#include <stdlib.h>

#include "base/mem.h"

void tally_init(struct tally *t, int32_t partitions)
{
    *t = (struct tally){.clocks = mem_zero((size_t)partitions, sizeof t->clocks[0])};
    for (int32_t p = 0; p < partitions; p++) t->clocks[p] = WATERMARK_NONE;
}

void tally_finish(struct tally *t)
{
    free(t->clocks);
    *t = (struct tally){0};
}

void tally_sent(struct tally *t, const struct watermark_conf *time, int64_t pane_ms,
                int32_t partition, int64_t time_ms)
{
    int64_t *clock = &t->clocks[partition];
    t->sent_n++;
    if (time_ms >= *clock) {
        *clock = time_ms;
        return;
    }
    t->disordered_n++;
    t->late_n += watermark_late(time, *clock, time_ms, pane_ms);
}

void tally_bad(struct tally *t, enum decode_verdict reason)
{
    t->bad_n++;
    t->bad[reason]++;
}

void tally_text(const struct tally *t, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "read=%lld sent=%lld skipped=%lld bad=%lld", (long long)t->read_n,
               (long long)t->sent_n, (long long)t->skipped_n, (long long)t->bad_n);
    for (int i = 0; i < DECODE_N; i++)
        if (t->bad[i]) buf_printf(out, " bad_%s=%lld", decode_reason(i), (long long)t->bad[i]);
    buf_printf(out, " disordered=%lld late=%lld", (long long)t->disordered_n, (long long)t->late_n);
    buf_add(out, "", 1);
}
