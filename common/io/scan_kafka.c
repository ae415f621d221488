#include "io/scan_kafka.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/offsets_kafka.h"

enum { ANSWER_MS = 10000, STALL_MS = 20000, POLL_MS = 100, OPEN_MS = 200 };

struct scan_kafka {
    rd_kafka_t *rk;  /* own; reads what is committed */
    rd_kafka_t *all; /* own; is told of all that is written */
};

/* librdkafka assigns partitions only to clients that name a group; this one is never joined. */
static const char group[] = "weir-scan";

static rd_kafka_t *open_client(const struct conf_kafka *conf, const char *isolation, struct err *e)
{
    rd_kafka_conf_t *rk_conf = conf_kafka_make(conf, false, e);
    if (!rk_conf) return NULL;
    conf_kafka_set(rk_conf, "group.id", group);
    conf_kafka_set(rk_conf, "fetch.wait.max.ms", "10");
    conf_kafka_set(rk_conf, "isolation.level", isolation);
    return conf_kafka_client_take(rk_conf, false, e);
}

struct scan_kafka *scan_kafka_new(const struct conf_kafka *conf, struct err *e)
{
    struct scan_kafka *s = mem_zero(1, sizeof *s);
    s->rk = open_client(conf, "read_committed", e);
    s->all = s->rk ? open_client(conf, "read_uncommitted", e) : NULL;
    if (s->all) {
        rd_kafka_poll_set_consumer(s->rk);
        return s;
    }
    scan_kafka_free(s);
    return NULL;
}

void scan_kafka_free(struct scan_kafka *s)
{
    if (!s) return;
    if (s->all) rd_kafka_destroy(s->all);
    if (s->rk) rd_kafka_destroy(s->rk);
    free(s);
}

/* --- where partitions begin and end ----------------------------------------------------------- */

static bool failed(const char *topic, rd_kafka_resp_err_t error, struct err *e)
{
    return err_set(e, "kafka: topic %s: %s", topic, rd_kafka_err2str(error));
}

/* Asks again as long as nobody answers. */
static bool again(rd_kafka_resp_err_t error, int64_t deadline_ms)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION: return clock_now_ms() < deadline_ms;
    default: return false;
    }
}

static rd_kafka_resp_err_t ask_partition_n(struct scan_kafka *s, rd_kafka_topic_t *handle,
                                           size_t *ret_n)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(s->rk, 0, handle, &metadata, ANSWER_MS);
    if (error) return error;
    error = metadata->topics[0].err;
    *ret_n = error ? 0 : (size_t)metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return error;
}

static bool partition_n(struct scan_kafka *s, const char *topic, size_t *ret_n, struct err *e)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(s->rk, topic, NULL);
    int64_t deadline_ms = clock_now_ms() + STALL_MS;
    rd_kafka_resp_err_t error;
    while (again(error = ask_partition_n(s, handle, ret_n), deadline_ms)) {
    }
    rd_kafka_topic_destroy(handle);
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) error = RD_KAFKA_RESP_ERR_NO_ERROR;
    return !error || failed(topic, error, e);
}

static rd_kafka_resp_err_t ask_ends(struct scan_kafka *s, const char *topic,
                                    struct scan_kafka_part *part)
{
    int32_t p = part->partition;
    int error = offsets_kafka_ends(s->all, topic, p, ANSWER_MS, &part->first, &part->high);
    int64_t deadline_ms = clock_now_ms() + OPEN_MS;
    do { /* a transaction that is open now has ended in a moment, unless its producer is dead */
        if (error) break;
        error = offsets_kafka_ends(s->rk, topic, p, ANSWER_MS, &part->first, &part->end);
    } while (part->end < part->high && clock_now_ms() < deadline_ms);
    return (rd_kafka_resp_err_t)error;
}

static bool find_ends(struct scan_kafka *s, const char *topic, struct scan_kafka_part *part,
                      struct err *e)
{
    int64_t deadline_ms = clock_now_ms() + STALL_MS;
    rd_kafka_resp_err_t error;
    while (again(error = ask_ends(s, topic, part), deadline_ms)) {
    }
    part->from = part->first;
    return !error || failed(topic, error, e);
}

bool scan_kafka_parts(struct scan_kafka *s, const char *topic, struct scan_kafka_part **ret_parts,
                      size_t *ret_n, struct err *e)
{
    size_t n = 0;
    if (!partition_n(s, topic, &n, e)) return false;
    struct scan_kafka_part *parts = mem_zero(n + 1, sizeof parts[0]);
    bool good = true;
    for (size_t i = 0; i < n && good; i++) {
        parts[i].partition = (int32_t)i;
        good = find_ends(s, topic, &parts[i], e);
    }
    if (!good) free(parts);
    if (!good) return false;
    *ret_parts = parts;
    *ret_n = n;
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct scan {
    struct scan_kafka *s;                /* ref */
    const char *topic;                   /* ref */
    const struct scan_kafka_part *parts; /* ref; by partition */
    bool *done;                          /* own; by partition */
    size_t left;                         /* partitions that are not done */
    size_t n;
    scan_kafka_record *record;
    void *ctx;
};

static rd_kafka_topic_partition_list_t *begin_list(struct scan *scan)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)scan->n);
    for (size_t i = 0; i < scan->n; i++) {
        const struct scan_kafka_part *part = &scan->parts[i];
        scan->done[i] = part->from >= part->end;
        if (scan->done[i]) continue;
        rd_kafka_topic_partition_list_add(list, scan->topic, part->partition)->offset = part->from;
        scan->left++;
    }
    return list;
}

static bool finish(struct scan *scan, int32_t partition, struct err *e)
{
    if (scan->done[partition]) return true;
    scan->done[partition] = true;
    scan->left--;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, scan->topic, partition);
    rd_kafka_resp_err_t error = rd_kafka_pause_partitions(scan->s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return !error || failed(scan->topic, error, e);
}

static struct str bytes(const void *at, size_t len)
{
    return (struct str){at, at ? len : 0};
}

static struct record record_of(const rd_kafka_message_t *m)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(m, &type);
    return (struct record){
        .partition = m->partition,
        .offset = m->offset,
        .timestamp_ms = timestamp_ms,
        .log_append = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME,
        .key = bytes(m->key, m->key_len),
        .value = bytes(m->payload, m->len),
    };
}

static bool take_record(struct scan *scan, const rd_kafka_message_t *m, struct err *e)
{
    if (scan->done[m->partition]) return true; /* was on its way already */
    struct record r = record_of(m);
    const struct scan_kafka_part *part = &scan->parts[m->partition];
    bool more = m->offset < part->end && scan->record(scan->ctx, &r);
    if (more && m->offset + 1 < part->end) return true;
    return finish(scan, m->partition, e);
}

static bool take(struct scan *scan, const rd_kafka_message_t *m, struct err *e)
{
    switch (m->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return take_record(scan, m, e);
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: return finish(scan, m->partition, e);
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TRANSPORT: return true; /* librdkafka tries again */
    default: return failed(scan->topic, m->err, e);
    }
}

static bool read_all(struct scan *scan, struct err *e)
{
    int64_t moved_ms = clock_now_ms();
    bool good = true;
    while (good && scan->left) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(scan->s->rk, POLL_MS);
        if (m) {
            moved_ms = clock_now_ms();
            good = take(scan, m, e);
            rd_kafka_message_destroy(m);
        } else if (clock_now_ms() - moved_ms > STALL_MS) {
            good = err_set(e, "kafka: topic %s: no answer for %d s", scan->topic, STALL_MS / 1000);
        }
    }
    return good;
}

bool scan_kafka_read(struct scan_kafka *s, const char *topic, const struct scan_kafka_part *parts,
                     size_t n, scan_kafka_record *record, void *ctx, struct err *e)
{
    struct scan scan = {s, topic, parts, mem_zero(n + 1, sizeof(bool)), 0, n, record, ctx};
    rd_kafka_topic_partition_list_t *list = begin_list(&scan);
    rd_kafka_resp_err_t error = rd_kafka_assign(s->rk, list);
    bool good = error ? failed(topic, error, e) : read_all(&scan, e);
    rd_kafka_resume_partitions(s->rk, list); /* librdkafka remembers a pause over assignments */
    rd_kafka_assign(s->rk, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    free(scan.done);
    return good;
}
