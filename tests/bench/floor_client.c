#include "floor_client.h"

#include <time.h>

rd_kafka_t *floor_client(rd_kafka_type_t type, const char *settings[][2])
{
    char text[400];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; settings[i][0]; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof text))
            FLOOR_DIE("librdkafka: %s", text);
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    if (!rk) FLOOR_DIE("librdkafka: %s", text);
    return rk;
}

/* No bound of a queue stops the fetching: 2.0.2 would pause for a second. */
static rd_kafka_t *reader(const char *brokers)
{
    const char *settings[][2] = {
        {"bootstrap.servers", brokers},   {"isolation.level", "read_committed"},
        {"enable.partition.eof", "true"}, {"queued.min.messages", "1000000"},
        {"fetch.wait.max.ms", "10"},      {"queued.max.messages.kbytes", "1048576"},
        {"socket.nagle.disable", "true"}, {0},
    };
    return floor_client(RD_KAFKA_CONSUMER, settings);
}

void floor_client_read(const char *brokers, const char *topic, int32_t partition_n,
                       floor_client_fn *take, void *opaque, const int64_t *left)
{
    rd_kafka_t *rk = reader(brokers);
    rd_kafka_topic_t *from = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (int32_t p = 0; p < partition_n; p++)
        if (rd_kafka_consume_start_queue(from, p, RD_KAFKA_OFFSET_BEGINNING, queue))
            FLOOR_DIE("%s: %s", topic, rd_kafka_err2str(rd_kafka_last_error()));
    while (*left > 0) rd_kafka_consume_callback_queue(queue, 1000, take, opaque);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(from);
    rd_kafka_destroy(rk);
}

int64_t floor_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
