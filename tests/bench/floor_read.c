/* The floor of every reader of Kafka: consume callbacks that do nothing, from the beginning of all partitions to their ends.
 *
 *     floor-read BROKERS TOPIC PARTITIONS */
#include "floor_client.h"

struct floor_read {
    int64_t message_n, bytes;
    int64_t open_n; /* partitions whose end has not come */
};

static void take(rd_kafka_message_t *m, void *opaque)
{
    struct floor_read *f = opaque;
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        f->open_n--;
        return;
    }
    if (m->err) FLOOR_DIE("floor-read: %s", rd_kafka_message_errstr(m));
    f->message_n++;
    f->bytes += (int64_t)m->len;
}

int main(int argc, char **argv)
{
    if (argc != 4) FLOOR_DIE("usage: floor-read BROKERS TOPIC PARTITIONS");
    struct floor_read f = {.open_n = atoll(argv[3])};
    floor_client_read(argv[1], argv[2], (int32_t)f.open_n, take, &f, &f.open_n);
    printf("{\"messages\": %lld, \"bytes\": %lld}\n", (long long)f.message_n, (long long)f.bytes);
    return 0;
}
