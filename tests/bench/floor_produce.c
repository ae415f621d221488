/* The floor of weir-replay: a transactional producer that sends the lines of a log, in order, to one partition after the
 * other. It validates nothing, copies nothing and remembers nothing. With "keyed" it sends what weir-replay does, in the
 * plain way: librdkafka picks the partition by the key and copies the line, and each record has a time of its own. With a RATE it
 * has the pace of a paced replay: so many records per second, each with the time of its turn in ms, and commits every 10 ms.
 *
 *     floor-produce BROKERS TOPIC PARTITIONS FILE ROWS_PER_RECORD TRANSACTION_BYTES [keyed|RATE] */
#include <string.h>
#include <time.h>

#include "floor_client.h"

enum { WAIT_MS = 60000, COMMIT_EVERY_US = 10000, RUN_RECORDS = 500 };

static const int64_t first_ms = 1500000000000;

struct floor_produce {
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    int32_t partition_n;
    int64_t record_n;
    size_t open_bytes; /* of the transaction */
    bool keyed;
    int64_t rate; /* 0 = as fast as it goes */
    int64_t start_us, committed_us;
};

static rd_kafka_t *client(const char *brokers)
{
    const char *settings[][2] = {
        {"bootstrap.servers", brokers},
        {"transactional.id", "floor-produce"},
        {"compression.codec", "lz4"},
        {"partitioner", "murmur2_random"},
        {"linger.ms", "5"},
        {"queue.buffering.max.kbytes", "65536"},
        {"message.max.bytes", "4194304"},
        {"socket.nagle.disable", "true"},
        {0},
    };
    return floor_client(RD_KAFKA_PRODUCER, settings);
}

static void must(rd_kafka_error_t *error)
{
    if (error) FLOOR_DIE("floor-produce: %s", rd_kafka_error_string(error));
}

static void commit(struct floor_produce *f, bool more)
{
    must(rd_kafka_commit_transaction(f->rk, WAIT_MS));
    if (more) must(rd_kafka_begin_transaction(f->rk));
    f->open_bytes = 0;
    f->committed_us = floor_now_us();
}

static void sleep_until(int64_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)) {
    }
}

/* Returns when the next record is due: what was due before it is committed, and more of it gathers for a while. */
static void keep_pace(struct floor_produce *f)
{
    if (!f->start_us) f->start_us = floor_now_us();
    int64_t due_us = f->start_us + f->record_n * 1000000 / f->rate;
    if (due_us <= floor_now_us()) return;
    if (f->open_bytes) commit(f, true);
    int64_t next_us = f->committed_us + COMMIT_EVERY_US;
    sleep_until(due_us > next_us ? due_us : next_us);
}

static rd_kafka_resp_err_t put_in_turn(struct floor_produce *f, const char *key, size_t key_len,
                                       const char *value, size_t len)
{
    int32_t partition = (int32_t)(f->record_n % f->partition_n);
    int failed = rd_kafka_produce(f->topic, partition, RD_KAFKA_MSG_F_BLOCK,
                                  (void *)(uintptr_t)value, len, key, key_len, NULL);
    return failed ? rd_kafka_last_error() : RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t put_by_key(struct floor_produce *f, const char *key, size_t key_len,
                                      const char *value, size_t len)
{
    return rd_kafka_producev(f->rk, RD_KAFKA_V_RKT(f->topic),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK),
                             RD_KAFKA_V_KEY((void *)(uintptr_t)key, key_len),
                             RD_KAFKA_V_VALUE((void *)(uintptr_t)value, len),
                             RD_KAFKA_V_TIMESTAMP(first_ms + f->record_n), RD_KAFKA_V_END);
}

/* Partition by partition, as librdkafka likes it best. */
static rd_kafka_resp_err_t put_in_pace(struct floor_produce *f, const char *key, size_t key_len,
                                       const char *value, size_t len)
{
    return rd_kafka_producev(
        f->rk, RD_KAFKA_V_RKT(f->topic),
        RD_KAFKA_V_PARTITION((int32_t)(f->record_n / RUN_RECORDS % f->partition_n)),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_BLOCK), RD_KAFKA_V_KEY((void *)(uintptr_t)key, key_len),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)value, len),
        RD_KAFKA_V_TIMESTAMP(first_ms + f->record_n), RD_KAFKA_V_END);
}

static void put(struct floor_produce *f, const char *key, size_t key_len, const char *value,
                size_t len)
{
    rd_kafka_resp_err_t code = f->rate    ? put_in_pace(f, key, key_len, value, len)
                               : f->keyed ? put_by_key(f, key, key_len, value, len)
                                          : put_in_turn(f, key, key_len, value, len);
    if (code) FLOOR_DIE("floor-produce: %s", rd_kafka_err2str(code));
    f->record_n++;
    f->open_bytes += key_len + len;
}

/* Lines lie one behind the other: a packed record is a piece of the file. */
static void send_all(struct floor_produce *f, struct floor_file rest, int rows_per_record,
                     size_t transaction_bytes)
{
    size_t len;
    for (const char *value, *line; (value = floor_line(&rest, &len));) {
        if (f->rate) keep_pace(f);
        const char *comma = rows_per_record == 1 ? memchr(value, ',', len) : NULL;
        const char *stop = value + len;
        for (int i = 1; i < rows_per_record && (line = floor_line(&rest, &len)); i++)
            stop = line + len;
        put(f, value, comma ? (size_t)(comma - value) : 0, value, (size_t)(stop - value));
        if (f->open_bytes >= transaction_bytes) commit(f, true);
    }
    commit(f, false);
}

int main(int argc, char **argv)
{
    if (argc < 7)
        FLOOR_DIE("usage: floor-produce BROKERS TOPIC PARTITIONS FILE ROWS_PER_RECORD "
                  "TRANSACTION_BYTES [keyed|RATE]");
    struct floor_produce f = {.rk = client(argv[1]), .partition_n = (int32_t)atoi(argv[3])};
    f.rate = argc > 7 ? atoll(argv[7]) : 0; /* of "keyed": 0 */
    f.keyed = argc > 7 && !f.rate;
    f.topic = rd_kafka_topic_new(f.rk, argv[2], NULL);
    must(rd_kafka_init_transactions(f.rk, WAIT_MS));
    must(rd_kafka_begin_transaction(f.rk));
    send_all(&f, floor_file(argv[4]), atoi(argv[5]), (size_t)atol(argv[6]));
    printf("{\"records\": %lld}\n", (long long)f.record_n);
    rd_kafka_topic_destroy(f.topic);
    rd_kafka_destroy(f.rk);
    return 0;
}
