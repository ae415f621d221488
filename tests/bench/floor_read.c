/* The floor of every reader of Kafka: consume callbacks that do nothing, from the beginning of all partitions to their ends.
 *
 *     floor-read BROKERS TOPIC PARTITIONS */
#include <librdkafka/rdkafka.h>
#include <string.h>

#include "floor.h"

struct state {
    int64_t message_n, bytes;
    int32_t open_n; /* partitions whose end has not come */
};

static void on_message(rd_kafka_message_t *m, void *opaque)
{
    struct state *s = opaque;
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        s->open_n--;
        return;
    }
    if (m->err) FLOOR_DIE("floor-read: %s", rd_kafka_message_errstr(m));
    s->message_n++;
    s->bytes += (int64_t)m->len;
}

/* No bound of a queue stops the fetching: 2.0.2 would pause for a second. */
static rd_kafka_t *client(const char *brokers)
{
    const char *settings[][2] = {
        {"bootstrap.servers", brokers},   {"isolation.level", "read_committed"},
        {"enable.partition.eof", "true"}, {"queued.min.messages", "1000000"},
        {"fetch.wait.max.ms", "50"},      {"queued.max.messages.kbytes", "1048576"},
        {"socket.nagle.disable", "true"},
    };
    char text[400];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof text))
            FLOOR_DIE("floor-read: %s", text);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!rk) FLOOR_DIE("floor-read: %s", text);
    return rk;
}

int main(int argc, char **argv)
{
    if (argc != 4) FLOOR_DIE("usage: floor-read BROKERS TOPIC PARTITIONS");
    struct state s = {.open_n = (int32_t)atoi(argv[3])};
    rd_kafka_t *rk = client(argv[1]);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, argv[2], NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (int32_t p = 0; p < s.open_n; p++)
        if (rd_kafka_consume_start_queue(topic, p, RD_KAFKA_OFFSET_BEGINNING, queue))
            FLOOR_DIE("floor-read: %s", rd_kafka_err2str(rd_kafka_last_error()));
    while (s.open_n > 0) rd_kafka_consume_callback_queue(queue, 1000, on_message, &s);
    printf("{\"messages\": %lld, \"bytes\": %lld}\n", (long long)s.message_n, (long long)s.bytes);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    return 0;
}
