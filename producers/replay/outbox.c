#include "replay/outbox.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

enum { BYTES_MAX = 64 << 20, PACK_BYTES = 512 << 10, HANDFUL_BYTES = 128 << 10, ABORTS_MAX = 100 };

/* Offsets, not pointers: the bytes move as they grow. The value follows the key. */
struct letter {
    size_t at, key_len, value_len; /* key_len 0 = no key */
    int64_t time_ms;
};

/* What goes to one partition. librdkafka walks along its messages of a partition again and again: handed over in a
 * row they lie side by side, which halves its cost. */
struct lane {
    const char *topic; /* ref in conf */
    int32_t partition;
    struct letter *letters; /* own */
    size_t n, cap, sent_n;
    struct buf rows;        /* a record in the making */
    int64_t row_n, time_ms; /* of it: rows; greatest event time */
};

struct outbox {
    struct outbox_conf conf;
    struct sink_kafka *sink; /* ref in caller */
    struct buf bytes;
    struct lane *lanes; /* own: by partition, then that of dead letters */
    size_t letter_n, making_bytes, sent_bytes;
    bool open; /* the transaction */
    int aborts;
};

static struct lane *dead_lane(const struct outbox *o)
{
    return &o->lanes[o->conf.partitions];
}

struct outbox *outbox_new(const struct outbox_conf *conf, struct sink_kafka *sink)
{
    struct outbox *o = mem_zero(1, sizeof *o);
    o->conf = *conf;
    o->sink = sink;
    buf_init(&o->bytes, BYTES_MAX);
    o->lanes = mem_zero((size_t)conf->partitions + 1, sizeof o->lanes[0]);
    for (int32_t p = 0; p < conf->partitions; p++)
        o->lanes[p] = (struct lane){.topic = o->conf.events, .partition = p};
    *dead_lane(o) = (struct lane){.topic = o->conf.dead, .partition = -1};
    for (int32_t i = 0; i <= conf->partitions; i++) buf_init(&o->lanes[i].rows, BYTES_MAX);
    return o;
}

static void abort_open(struct outbox *o)
{
    struct err e = {0};
    if (o->open && sink_kafka_abort(o->sink, &e) == TXN_FAILED)
        log_warn("outbox", "open", "text=\"%s\"", e.text);
}

void outbox_free(struct outbox *o)
{
    if (!o) return;
    abort_open(o);
    for (int32_t i = 0; i <= o->conf.partitions; i++) {
        buf_finish(&o->lanes[i].rows);
        free(o->lanes[i].letters);
    }
    free(o->lanes);
    buf_finish(&o->bytes);
    free(o);
}

static void add(struct outbox *o, struct lane *l, struct str key, struct str value, int64_t time_ms)
{
    l->letters = mem_grow(l->letters, l->n, &l->cap, sizeof l->letters[0]);
    l->letters[l->n++] = (struct letter){o->bytes.len, key.len, value.len, time_ms};
    o->letter_n++;
    buf_add_str(&o->bytes, key);
    buf_add_str(&o->bytes, value);
    assert(!o->bytes.overflow);
}

static void close_record(struct outbox *o, struct lane *l)
{
    if (!l->row_n) return;
    o->making_bytes -= l->rows.len;
    add(o, l, (struct str){0}, buf_str(&l->rows), l->time_ms);
    buf_clear(&l->rows);
    l->row_n = 0;
}

static void pack_row(struct outbox *o, struct lane *l, struct str row, int64_t time_ms)
{
    size_t before = l->rows.len;
    if (l->row_n) buf_add(&l->rows, "\n", 1);
    buf_add_str(&l->rows, row);
    o->making_bytes += l->rows.len - before;
    l->time_ms = l->row_n && l->time_ms > time_ms ? l->time_ms : time_ms;
    if (++l->row_n == o->conf.rows_per_record || l->rows.len >= PACK_BYTES) close_record(o, l);
}

void outbox_row(struct outbox *o, int32_t partition, struct str user, struct str row,
                int64_t time_ms)
{
    if (o->conf.rows_per_record > 1)
        pack_row(o, &o->lanes[partition], row, time_ms);
    else
        add(o, &o->lanes[partition], user, row, time_ms);
}

void outbox_dead(struct outbox *o, struct str key, struct str letter)
{
    add(o, dead_lane(o), key, letter, 0);
}

size_t outbox_bytes(const struct outbox *o)
{
    return o->bytes.len + o->making_bytes;
}

bool outbox_full(const struct outbox *o)
{
    return outbox_bytes(o) >= OUTBOX_COMMIT_BYTES || o->letter_n >= OUTBOX_COMMIT_RECORDS;
}

static enum txn send_letter(struct outbox *o, const struct lane *lane, const struct letter *l,
                            struct err *e)
{
    const char *key = o->bytes.at + l->at;
    struct sink_kafka_message m = {
        .topic = lane->topic,
        .partition = lane->partition,
        .key = {l->key_len ? key : NULL, l->key_len},
        .value = {key + l->key_len, l->value_len},
        .timestamp_ms = l->time_ms,
    };
    return sink_kafka_put(o->sink, &m, e);
}

static enum txn send_all(struct outbox *o, struct err *e)
{
    enum txn result = o->open ? TXN_DONE : sink_kafka_begin(o->sink, e);
    for (struct lane *l = o->lanes; l <= dead_lane(o); l++)
        for (; result == TXN_DONE && l->sent_n < l->n; l->sent_n++)
            result = send_letter(o, l, &l->letters[l->sent_n], e);
    o->sent_bytes = o->bytes.len;
    o->open = result == TXN_DONE;
    return result;
}

static enum txn commit(struct outbox *o, struct str key, struct str position, struct err *e)
{
    struct sink_kafka_message state = {
        .topic = o->conf.state, .partition = 0, .key = key, .value = position};
    enum txn result = send_all(o, e);
    if (result == TXN_DONE && key.at) result = sink_kafka_put(o->sink, &state, e);
    if (result == TXN_DONE) result = sink_kafka_commit(o->sink, e);
    o->open = false;
    return result;
}

/* After an abort all of it goes again. */
static bool rewind_after(struct outbox *o, enum txn result, const struct err *why, struct err *e)
{
    if (result == TXN_FAILED) return *e = *why, false;
    log_warn("outbox", "aborted", "again=%d text=\"%s\"", ++o->aborts, why->text);
    for (struct lane *l = o->lanes; l <= dead_lane(o); l++) l->sent_n = 0;
    o->sent_bytes = 0;
    if (o->aborts < ABORTS_MAX) return true;
    return err_set(e, "%d transactions in a row were aborted", o->aborts);
}

bool outbox_send(struct outbox *o, struct err *e)
{
    struct err why = {0};
    if (o->bytes.len - o->sent_bytes < HANDFUL_BYTES) return true;
    enum txn result = send_all(o, &why);
    return result == TXN_DONE || rewind_after(o, result, &why, e);
}

static void empty(struct outbox *o)
{
    for (struct lane *l = o->lanes; l <= dead_lane(o); l++) l->n = l->sent_n = 0;
    buf_clear(&o->bytes);
    o->letter_n = o->sent_bytes = 0;
    o->aborts = 0;
}

bool outbox_commit(struct outbox *o, struct str key, struct str position, struct err *e)
{
    for (int32_t p = 0; p < o->conf.partitions; p++) close_record(o, &o->lanes[p]);
    for (;;) {
        struct err why = {0};
        enum txn result = commit(o, key, position, &why);
        if (result == TXN_DONE) return empty(o), true;
        if (!rewind_after(o, result, &why, e)) return false;
    }
}
