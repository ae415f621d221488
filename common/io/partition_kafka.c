/* How records get from librdkafka 2.0.2 to a stage.
 *
 * Its batch interface returns wrong offsets around rebalances (issue 4208) and its message interface costs half as
 * much again per record. So every partition's queue is taken out of the consumer's queue as soon as the partition is
 * ours, and read by rd_kafka_consume_callback() in chunks; rd_kafka_consumer_poll() sees nothing but the group's
 * events. (rd_kafka_consume_callback_queue() has no bound: it takes the whole queue at once, which then looks empty
 * to the fetcher for as long as we work on it, and memory grows.)
 *
 * The chunk is bounded by consume.callback.max.messages; a callback that wants no more calls rd_kafka_yield(), and
 * the rest of the chunk goes back to the head of its queue. A partition that its stage does not want is not read:
 * librdkafka stops fetching when its queue is full, and the group is served on.
 *
 * A queue writes to the wakeup fd when it stops being empty. One that was left with records in it says nothing any
 * more: `waiting` remembers it, and nobody may sleep while a wanted partition is waiting. */
#include "io/partition_kafka.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>

/* Of one partition in one go: the next one's records are of the same time, and so are the panes that they touch. */
enum { READ_BYTES = 32 * 1024 };

struct reading {
    struct partition_kafka *part;
    const struct partition_kafka_reader *by;
    size_t n, bytes;
    bool stop;
    struct err *err;
};

/* --- one message ----------------------------------------------------------------------------------- */

static bool no_record(struct reading *r, const rd_kafka_message_t *m)
{
    const struct stage *stage = r->by->stage;
    switch (m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (m->offset > r->part->next) r->part->next = m->offset; /* behind control records */
        stage->end(stage->self, r->part->id, r->part->next);
        return true;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: *r->by->out_of_range = true; return true;
    default: return trouble_kafka_judge(r->by->trouble, m->err, rd_kafka_message_errstr(m), r->err);
    }
}

static bool hand_over(struct reading *r, const rd_kafka_message_t *m)
{
    if (m->offset < r->part->next)
        return true; /* fetched before the partition was given to us anew */
    rd_kafka_timestamp_type_t kind;
    int64_t timestamp_ms = rd_kafka_message_timestamp(m, &kind);
    struct record record = {
        .partition = m->partition,
        .offset = m->offset,
        .timestamp_ms = kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp_ms,
        .log_append = kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME,
        .key = {m->key, m->key_len},
        .value = {m->payload, m->len},
    };
    r->part->next = m->offset + 1;
    r->n++;
    r->bytes += m->len;
    return r->by->stage->record(r->by->stage->self, &record, r->err);
}

static void on_message(rd_kafka_message_t *m, void *opaque)
{
    struct reading *r = opaque;
    bool ok = m->err ? no_record(r, m) : hand_over(r, m);
    bool go_on = ok && !*r->by->stop && !*r->by->out_of_range && r->bytes < READ_BYTES;
    if (go_on && partition_kafka_wanted(r->part, r->by->stage)) return;
    r->stop = true;
    rd_kafka_yield(r->by->rk);
}

/* --- the partition --------------------------------------------------------------------------------- */

bool partition_kafka_wanted(const struct partition_kafka *p, const struct stage *stage)
{
    return !stage->wants || stage->wants(stage->self, p->id);
}

bool partition_kafka_read(struct partition_kafka *p, const struct partition_kafka_reader *reader,
                          size_t max, size_t *ret_n, struct err *e)
{
    struct reading r = {.part = p, .by = reader, .err = e};
    bool wanted = partition_kafka_wanted(p, reader->stage);
    p->waiting = true;
    while (wanted && r.n < max && !r.stop) {
        int ops = rd_kafka_consume_callback(reader->topic, p->id, 0, on_message, &r);
        if (ops >= PARTITION_KAFKA_CHUNK || r.stop) continue;
        p->waiting = false;
        break;
    }
    *ret_n = r.n;
    return e->status == ERR_NONE;
}

static struct metric *lag_of(int32_t id, struct metrics *m)
{
    char label[32];
    snprintf(label, sizeof label, "partition=\"%" PRId32 "\"", id);
    return metrics_gauge(m, "lag_offsets", label,
                         "Offsets between the group's position and the end");
}

void partition_kafka_take(struct partition_kafka *p, rd_kafka_t *rk,
                          const rd_kafka_topic_partition_t *given, int wakeup_fd,
                          struct metrics *metrics)
{
    static const uint64_t one = 1;
    *p = (struct partition_kafka){.id = given->partition, .lag = lag_of(given->partition, metrics)};
    p->queue = rd_kafka_queue_get_partition(rk, given->topic, given->partition);
    rd_kafka_queue_forward(p->queue, NULL);
    rd_kafka_queue_io_event_enable(p->queue, wakeup_fd, &one, sizeof one);
}

void partition_kafka_drop(struct partition_kafka *p)
{
    rd_kafka_queue_io_event_enable(p->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(p->queue);
    metrics_set(p->lag, 0);
}

/* Offsets between the position and the end that was last heard of; 0 = none, or unknown. */
static int64_t lag(const struct partition_kafka *p, rd_kafka_t *rk, const char *topic)
{
    int64_t first, end = 0;
    if (rd_kafka_get_watermark_offsets(rk, topic, p->id, &first, &end)) return 0;
    return end > p->next ? end - p->next : 0;
}

void partition_kafka_show_lag(const struct partition_kafka *p, rd_kafka_t *rk, const char *topic)
{
    metrics_set(p->lag, lag(p, rk, topic));
}

bool partition_kafka_behind(const struct partition_kafka *p, rd_kafka_t *rk, const char *topic)
{
    return lag(p, rk, topic) > 1;
}
