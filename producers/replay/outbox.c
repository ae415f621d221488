#include "replay/outbox.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

enum { BYTES_MAX = 64 << 20, PACK_BYTES = 512 << 10, ABORTS_MAX = 100 };

/* Offsets, not pointers: the bytes move as they grow. */
struct letter {
    const char *topic; /* ref in conf */
    int32_t partition;
    size_t key, key_len, value, value_len; /* key_len 0 = no key */
    int64_t time_ms;
};

/* A record in the making: rows of one partition. */
struct pack {
    struct buf rows;
    int64_t n, time_ms; /* rows; greatest event time */
};

struct outbox {
    struct outbox_conf conf;
    struct sink_kafka *sink; /* ref in caller */
    struct buf bytes;
    struct letter *letters; /* own */
    size_t n, cap;
    struct pack *packs; /* own, by partition */
    size_t packed_bytes;
};

struct outbox *outbox_new(const struct outbox_conf *conf, struct sink_kafka *sink)
{
    struct outbox *o = mem_zero(1, sizeof *o);
    o->conf = *conf;
    o->sink = sink;
    buf_init(&o->bytes, BYTES_MAX);
    o->packs = mem_zero((size_t)conf->partitions, sizeof o->packs[0]);
    for (int32_t p = 0; p < conf->partitions; p++) buf_init(&o->packs[p].rows, BYTES_MAX);
    return o;
}

void outbox_free(struct outbox *o)
{
    if (!o) return;
    for (int32_t p = 0; p < o->conf.partitions; p++) buf_finish(&o->packs[p].rows);
    free(o->packs);
    free(o->letters);
    buf_finish(&o->bytes);
    free(o);
}

static void add(struct outbox *o, const char *topic, int32_t partition, struct str key,
                struct str value, int64_t time_ms)
{
    size_t at = o->bytes.len;
    o->letters = mem_grow(o->letters, o->n, &o->cap, sizeof o->letters[0]);
    o->letters[o->n++] =
        (struct letter){topic, partition, at, key.len, at + key.len, value.len, time_ms};
    buf_add_str(&o->bytes, key);
    buf_add_str(&o->bytes, value);
    assert(!o->bytes.overflow);
}

static void close_pack(struct outbox *o, int32_t partition)
{
    struct pack *p = &o->packs[partition];
    if (!p->n) return;
    o->packed_bytes -= p->rows.len;
    add(o, o->conf.events, partition, (struct str){0}, buf_str(&p->rows), p->time_ms);
    buf_clear(&p->rows);
    p->n = 0;
}

static void pack_row(struct outbox *o, int32_t partition, struct str row, int64_t time_ms)
{
    struct pack *p = &o->packs[partition];
    size_t before = p->rows.len;
    if (p->n) buf_add(&p->rows, "\n", 1);
    buf_add_str(&p->rows, row);
    o->packed_bytes += p->rows.len - before;
    p->time_ms = p->n && p->time_ms > time_ms ? p->time_ms : time_ms;
    if (++p->n == o->conf.rows_per_record || p->rows.len >= PACK_BYTES) close_pack(o, partition);
}

void outbox_row(struct outbox *o, int32_t partition, struct str user, struct str row,
                int64_t time_ms)
{
    if (o->conf.rows_per_record > 1)
        pack_row(o, partition, row, time_ms);
    else
        add(o, o->conf.events, partition, user, row, time_ms);
}

void outbox_dead(struct outbox *o, struct str key, struct str letter)
{
    add(o, o->conf.dead, -1, key, letter, 0);
}

size_t outbox_bytes(const struct outbox *o)
{
    return o->bytes.len + o->packed_bytes;
}

bool outbox_full(const struct outbox *o)
{
    return outbox_bytes(o) >= OUTBOX_COMMIT_BYTES || o->n >= OUTBOX_COMMIT_RECORDS;
}

static enum txn put(struct outbox *o, const struct letter *l, struct err *e)
{
    struct sink_kafka_message m = {
        .topic = l->topic,
        .partition = l->partition,
        .key = {l->key_len ? o->bytes.at + l->key : NULL, l->key_len},
        .value = {o->bytes.at + l->value, l->value_len},
        .timestamp_ms = l->time_ms,
    };
    return sink_kafka_put(o->sink, &m, e);
}

static enum txn send_all(struct outbox *o, struct str key, struct str position, struct err *e)
{
    enum txn result = sink_kafka_begin(o->sink, e);
    for (size_t i = 0; result == TXN_DONE && i < o->n; i++) result = put(o, &o->letters[i], e);
    struct sink_kafka_message state = {
        .topic = o->conf.state, .partition = 0, .key = key, .value = position};
    if (result == TXN_DONE && key.at) result = sink_kafka_put(o->sink, &state, e);
    return result == TXN_DONE ? sink_kafka_commit(o->sink, e) : result;
}

bool outbox_commit(struct outbox *o, struct str key, struct str position, struct err *e)
{
    for (int32_t p = 0; p < o->conf.partitions; p++) close_pack(o, p);
    enum txn result = TXN_ABORTED;
    for (int tries = 0; result == TXN_ABORTED; tries++) {
        struct err why = {0};
        if (tries == ABORTS_MAX) return err_set(e, "%d transactions in a row were aborted", tries);
        result = send_all(o, key, position, &why);
        if (result == TXN_ABORTED)
            log_warn("outbox", "aborted", "again=%d text=\"%s\"", tries + 1, why.text);
        if (result == TXN_FAILED) *e = why;
    }
    buf_clear(&o->bytes);
    o->n = 0;
    return result == TXN_DONE;
}
