#include "io/loss_kafka.h"

#include <inttypes.h>

#include "base/log.h"
#include "io/offsets_kafka.h"

enum { ASK_MS = 5000 };

static void refuse_deleted(const char *topic, const struct checkpoint *part, int64_t first,
                           struct err *e)
{
    log_error("source_kafka", "lost",
              "topic=%s partition=%" PRId32 " first=%" PRId64 " last=%" PRId64, topic,
              part->partition, part->offset, first - 1);
    err_refuse(e,
               "%s partition %" PRId32 ": offsets %" PRId64 " to %" PRId64
               " were deleted before they were read; accept the loss with weir-reset",
               topic, part->partition, part->offset, first - 1);
}

static void refuse_cut(const char *topic, const struct checkpoint *part, int64_t end, struct err *e)
{
    err_refuse(e,
               "%s partition %" PRId32 ": offset %" PRId64
               " is due but the partition ends at %" PRId64
               ": it was re-created or cut; start afresh with weir-reset",
               topic, part->partition, part->offset, end);
}

static bool check(struct rd_kafka_s *rk, const char *topic, const struct checkpoint *part,
                  struct err *e)
{
    int64_t first, end;
    if (part->offset == CHECKPOINT_NONE) return true;
    if (!offsets_kafka_range(rk, topic, part->partition, ASK_MS, &first, &end, e)) return false;
    if (part->offset < first) refuse_deleted(topic, part, first, e);
    if (part->offset > end) refuse_cut(topic, part, end, e);
    return true;
}

void loss_kafka_refuse(struct rd_kafka_s *rk, const char *topic, struct checkpoint *parts, size_t n,
                       struct err *e)
{
    if (offsets_kafka_committed(rk, topic, parts, n, ASK_MS, e) != OFFSETS_KAFKA_KNOWN) return;
    for (size_t i = 0; i < n; i++)
        if (!check(rk, topic, &parts[i], e)) return;
    if (e->status == ERR_NONE)
        err_set(e, "%s: a position is out of the brokers' range, though what is committed is not",
                topic);
}
