#include "io/member_kafka.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "base/clock.h"
#include "io/partition_kafka.h"

enum {
    CLOSE_MS = 10000,
    CLOSE_POLL_MS = 100,
    BEATS = 5, /* in a session */
    BEAT_MS = 3000,
};

static void set_group(rd_kafka_conf_t *rk_conf, const struct source_kafka_spec *spec)
{
    int64_t beat_ms = spec->conf->session_ms / BEATS;
    conf_kafka_set(rk_conf, "group.id", spec->group);
    if (spec->static_id) conf_kafka_set(rk_conf, "group.instance.id", spec->static_id);
    conf_kafka_set_int(rk_conf, "session.timeout.ms", spec->conf->session_ms);
    conf_kafka_set_int(rk_conf, "heartbeat.interval.ms", beat_ms < BEAT_MS ? beat_ms : BEAT_MS);
    conf_kafka_set_int(rk_conf, "consume.callback.max.messages", PARTITION_KAFKA_CHUNK);
}

static int64_t max_poll_ms(rd_kafka_t *rk)
{
    char text[32];
    size_t size = sizeof text;
    rd_kafka_conf_res_t known =
        rd_kafka_conf_get(rd_kafka_conf(rk), "max.poll.interval.ms", text, &size);
    assert(known == RD_KAFKA_CONF_OK);
    return strtoll(text, NULL, 10);
}

bool member_kafka_open(struct member_kafka *m, const struct source_kafka_spec *spec,
                       rd_kafka_conf_t *rk_conf, struct err *e)
{
    *m = (struct member_kafka){.session_ms = spec->conf->session_ms, .polled_ms = clock_now_ms()};
    set_group(rk_conf, spec);
    m->rk = conf_kafka_client_take(rk_conf, false, e);
    if (!m->rk) return false;
    m->max_poll_ms = max_poll_ms(m->rk);
    rd_kafka_poll_set_consumer(m->rk);
    return true;
}

/* librdkafka's main thread sleeps by the clock of the day. When that goes back by an hour it would sleep for an hour and
 * send no heartbeats; a question wakes it. */
static void keep_awake(struct member_kafka *m)
{
    if (m->polled_ms - m->awake_ms < m->session_ms / BEATS) return;
    m->awake_ms = m->polled_ms;
    rd_kafka_consumer_group_metadata_t *answer = rd_kafka_consumer_group_metadata(m->rk);
    if (answer) rd_kafka_consumer_group_metadata_destroy(answer);
}

void member_kafka_polled(struct member_kafka *m)
{
    m->polled_ms = clock_now_ms();
    keep_awake(m);
}

/* After max.poll.interval librdkafka forgets its member id. While a rebalance waits for us it does not even call the
 * assignment lost, and a commit without the id looks like an impostor's: the brokers would fence us for good. */
bool member_kafka_overdue(const struct member_kafka *m)
{
    return rd_kafka_assignment_lost(m->rk) || clock_now_ms() - m->polled_ms >= m->max_poll_ms;
}

/* rd_kafka_consumer_close() may hang in 2.0.2: it is done step by step, under a deadline. A consumer that was fenced
 * does not close at all. */
void member_kafka_leave(struct member_kafka *m, void (*serve)(void *ctx, rd_kafka_event_t *event),
                        void *ctx)
{
    rd_kafka_queue_t *closing = rd_kafka_queue_new(m->rk);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(m->rk, closing);
    int64_t deadline_ms = clock_now_ms() + (error ? 0 : CLOSE_MS);
    if (error) rd_kafka_error_destroy(error);
    while (!rd_kafka_consumer_closed(m->rk) && clock_now_ms() < deadline_ms) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(closing, CLOSE_POLL_MS);
        if (event) serve(ctx, event);
    }
    rd_kafka_queue_destroy(closing);
}

/* A client that did not close would hang here, also when partitions were deleted: the process is about to end and takes
 * its threads along. */
bool member_kafka_end(struct member_kafka *m, bool topic_missing)
{
    bool closed = rd_kafka_consumer_closed(m->rk) || rd_kafka_fatal_error(m->rk, NULL, 0);
    if (!closed || topic_missing) return false;
    rd_kafka_destroy_flags(m->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    m->rk = NULL;
    return true;
}
