/* How far a paced replay is from its schedule, as a reader of committed records sees it: each record is due at (its time - the
 * first one's) / SPEED after the earliest moment that fits all records. Prints a line when it stands at the end of every
 * partition, where the records will come, and then milliseconds as JSON.
 *
 *     lag BROKERS TOPIC PARTITIONS SPEED MESSAGES */

#include "floor_client.h"

struct lag {
    double speed;
    int64_t left;
    int32_t ends; /* of partitions, not yet seen */
    double *ms;   /* own: of each message */
    size_t n;
};

static void take(rd_kafka_message_t *m, void *opaque)
{
    struct lag *l = opaque;
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && --l->ends == 0) {
        puts("waiting");
        fflush(stdout);
    }
    if (m->err || l->left == 0) return;
    double due_ms = (double)rd_kafka_message_timestamp(m, NULL) / l->speed;
    l->ms[l->n++] = (double)floor_now_us() / 1e3 - due_ms;
    l->left--;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
    if (argc != 6) FLOOR_DIE("usage: lag BROKERS TOPIC PARTITIONS SPEED MESSAGES");
    struct lag l = {.speed = atof(argv[4]), .left = atoll(argv[5]), .ends = (int32_t)atoi(argv[3])};
    size_t n = (size_t)l.left;
    l.ms = malloc(n * sizeof l.ms[0]);
    floor_client_read(argv[1], argv[2], (int32_t)atoi(argv[3]), take, &l, &l.left);
    qsort(l.ms, n, sizeof l.ms[0], compare);
    printf("{\"median_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}\n", l.ms[n / 2] - l.ms[0],
           l.ms[n - 1 - n / 100] - l.ms[0], l.ms[n - 1] - l.ms[0]);
    free(l.ms);
    return 0;
}
