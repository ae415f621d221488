#include "io/state_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/scan_kafka.h"
#include "io/sink_kafka.h"

/* The newest value of a busy key stands near the end; "the last offset" alone would not do: transactions leave
 * marks, and aborted records, behind it. */
enum { LOOK_BACK_RECORDS = 256, FURTHER = 8, WRITE_MS = 30000 };

struct search {
    struct str key;
    struct buf *value;
    bool found;
};

static bool compare(void *ctx, const struct record *r)
{
    struct search *s = ctx;
    if (!r->key.at || !str_eq(r->key, s->key)) return true;
    s->found = true;
    buf_clear(s->value);
    if (r->value.at) buf_add_str(s->value, r->value);
    return true;
}

/* Looks at the last records, then at more and more of them, at last at all. */
static bool search_back(struct scan_kafka *scan, const char *topic, struct scan_kafka_part *part,
                        struct search *s, struct err *e)
{
    for (int64_t back = LOOK_BACK_RECORDS;; back *= FURTHER) {
        part->from = part->end - part->first > back ? part->end - back : part->first;
        if (!scan_kafka_read(scan, topic, part, 1, compare, s, e)) return false;
        if (s->found || part->from == part->first) return true;
    }
}

static bool search_topic(struct scan_kafka *scan, const char *topic, struct search *s,
                         struct err *e)
{
    struct scan_kafka_part *parts = NULL;
    size_t n = 0;
    bool ok = scan_kafka_parts(scan, topic, &parts, &n, e);
    if (ok && n > 1) ok = err_refuse(e, "topic %s has %zu partitions but needs 1", topic, n);
    if (ok && n == 1) ok = search_back(scan, topic, &parts[0], s, e);
    free(parts);
    return ok;
}

bool state_kafka_read(const struct conf_kafka *kafka, const struct topics_kafka_conf *topics,
                      struct str key, struct buf *value, struct err *e)
{
    struct search s = {.key = key, .value = value};
    buf_clear(value);
    struct scan_kafka *scan = scan_kafka_new(kafka, e);
    if (!scan) return false;
    char *topic = topics_kafka_name(topics, TOPICS_STATE);
    bool ok = search_topic(scan, topic, &s, e);
    if (ok && value->overflow)
        ok = err_refuse(e, "topic %s holds a value of more than %zu bytes under %.*s", topic,
                        value->max, STR_ARGS(key));
    free(topic);
    scan_kafka_free(scan);
    return ok;
}

bool state_kafka_write(const struct conf_kafka *kafka, const struct topics_kafka_conf *topics,
                       struct str key, struct str value, struct err *e)
{
    struct sink_kafka_spec spec = {.kafka = kafka};
    struct sink_kafka *sink = sink_kafka_new(&spec, e);
    if (!sink) return false;
    char *topic = topics_kafka_name(topics, TOPICS_STATE);
    struct sink_kafka_message m = {.topic = topic, .partition = 0, .key = key, .value = value};
    bool ok = sink_kafka_put(sink, &m, e) == TXN_DONE && sink_kafka_flush(sink, WRITE_MS, NULL, e);
    sink_kafka_free(sink);
    free(topic);
    return ok;
}

bool state_kafka_epoch(const struct conf_kafka *kafka, const struct topics_kafka_conf *topics,
                       const char *which, int64_t *ret_epoch, struct err *e)
{
    char key[64];
    struct buf value;
    snprintf(key, sizeof key, "epoch:%s", which);
    buf_init(&value, 32);
    bool ok = state_kafka_read(kafka, topics, str_of(key), &value, e);
    *ret_epoch = 1;
    if (ok && value.len > 0 && !(str_int64(buf_str(&value), ret_epoch) && *ret_epoch > 0))
        ok = err_refuse(e, "the state topic holds no epoch under %s: \"%.*s\"", key,
                        STR_ARGS(buf_str(&value)));
    buf_finish(&value);
    return ok;
}
