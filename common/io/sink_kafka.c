#include "io/sink_kafka.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/offsets_kafka.h"
#include "io/source_kafka.h"
#include "io/trouble_kafka.h"

enum {
    PATIENCE_MS = 120000, /* how long one step of a transaction may be tried again */
    STEP_MS = 2000,       /* one try */
    FULL_QUEUE_MS = 20,
    FINAL_FLUSH_MS = 5000,
    DELIVERY_MS = 30000, /* without transactions: how long a message may take */
    ERROR_BYTES = 300,
};

struct sink_kafka {
    rd_kafka_t *rk;              /* own */
    int64_t failed_n;            /* messages that were not delivered, since the last flush */
    rd_kafka_resp_err_t failure; /* of the last of them */
    struct trouble_kafka trouble;
    struct patience patience;
    rd_kafka_topic_t **topics; /* own: those that were written to */
    size_t topic_n;
    char *transactional_id;                             /* own; NULL = no transactions */
    struct metric *sent, *failed, *committed, *aborted; /* ref; NULL without metrics */
};

static void count(struct metric *m, int64_t n)
{
    if (m) metrics_add(m, n);
}

/* --- callbacks, from rd_kafka_poll and rd_kafka_flush only -------------------------------------------- */

/* For each message, though a commit speaks for all of its own: without a report nothing wakes the flush of a commit, which
 * sleeps by the clock of the day. Set back by an hour, it would sleep for an hour. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    struct sink_kafka *s = opaque;
    if (!m->err) {
        count(s->sent, 1);
        return;
    }
    count(s->failed, 1);
    s->failed_n++;
    s->failure = m->err;
}

static void on_error(rd_kafka_t *rk, int code, const char *text, void *opaque)
{
    (void)rk;
    struct sink_kafka *s = opaque;
    trouble_kafka_log(&s->trouble, code, text);
}

/* --- errors ------------------------------------------------------------------------------------------- */

static bool may_not(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

static enum txn fail(struct sink_kafka *s, const char *what, rd_kafka_resp_err_t code,
                     const char *text, struct err *e)
{
    if (may_not(code))
        err_refuse(e, "the brokers do not let us write (%s): %s", what, text);
    else if (!rd_kafka_fatal_error(s->rk, NULL, 0))
        err_set(e, "kafka producer, %s: %s: %s", what, rd_kafka_err2name(code), text);
    else
        (void)trouble_kafka_fatal(&s->trouble, e);
    return TXN_FAILED;
}

/* --- the steps of a transaction ------------------------------------------------------------------------ */

typedef rd_kafka_error_t *step_fn(struct sink_kafka *s, void *with);

/* One step, tried again as long as librdkafka says that this is safe; NULL = done. The caller destroys it. */
static rd_kafka_error_t *persist(struct sink_kafka *s, step_fn *step, void *with)
{
    int64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    for (;;) {
        rd_kafka_error_t *error = step(s, with);
        if (!error || !rd_kafka_error_is_retriable(error)) return error;
        if (clock_now_ms() >= deadline_ms || !patience_more(&s->patience)) return error;
        rd_kafka_error_destroy(error);
        rd_kafka_poll(s->rk, FULL_QUEUE_MS);
    }
}

static rd_kafka_error_t *step_init(struct sink_kafka *s, void *with)
{
    (void)with;
    return rd_kafka_init_transactions(s->rk, STEP_MS);
}

static rd_kafka_error_t *step_commit(struct sink_kafka *s, void *with)
{
    (void)with;
    return rd_kafka_commit_transaction(s->rk, STEP_MS);
}

static rd_kafka_error_t *step_abort(struct sink_kafka *s, void *with)
{
    (void)with;
    return rd_kafka_abort_transaction(s->rk, STEP_MS);
}

struct offsets {
    const rd_kafka_topic_partition_list_t *list;
    const rd_kafka_consumer_group_metadata_t *member;
};

static rd_kafka_error_t *step_offsets(struct sink_kafka *s, void *with)
{
    const struct offsets *o = with;
    return rd_kafka_send_offsets_to_transaction(s->rk, o->list, o->member, STEP_MS);
}

/* Takes an error, NULL = none, and does what it demands. */
static enum txn resolve(struct sink_kafka *s, const char *what, rd_kafka_error_t *error,
                        struct err *e)
{
    if (!error) return TXN_DONE;
    enum txn result;
    if (rd_kafka_error_txn_requires_abort(error)) {
        log_warn("sink_kafka", "abort", "step=%s text=\"%s\"", what, rd_kafka_error_string(error));
        result = sink_kafka_abort(s, e);
    } else {
        result = fail(s, what, rd_kafka_error_code(error), rd_kafka_error_string(error), e);
    }
    rd_kafka_error_destroy(error);
    return result;
}

enum txn sink_kafka_begin(struct sink_kafka *s, struct err *e)
{
    assert(s->transactional_id);
    s->failed_n = 0;
    return resolve(s, "begin", rd_kafka_begin_transaction(s->rk), e);
}

enum txn sink_kafka_offsets(struct sink_kafka *s, struct source *source,
                            const struct checkpoint *parts, size_t n, struct err *e)
{
    if (n == 0) return TXN_DONE;
    struct offsets o = {.member = source_kafka_group(source)};
    if (!o.member)
        return sink_kafka_abort(s, e); /* nothing is ours: the brokers would say the same */
    rd_kafka_topic_partition_list_t *list =
        offsets_kafka_list(source_kafka_topic(source), parts, n);
    o.list = list;
    enum txn result = resolve(s, "offsets", persist(s, step_offsets, &o), e);
    rd_kafka_topic_partition_list_destroy(list);
    return result;
}

enum txn sink_kafka_commit(struct sink_kafka *s, struct err *e)
{
    enum txn result = resolve(s, "commit", persist(s, step_commit, NULL), e);
    if (result == TXN_DONE) count(s->committed, 1);
    return result;
}

enum txn sink_kafka_abort(struct sink_kafka *s, struct err *e)
{
    rd_kafka_error_t *error = persist(s, step_abort, NULL);
    if (error) {
        enum txn failed =
            fail(s, "abort", rd_kafka_error_code(error), rd_kafka_error_string(error), e);
        rd_kafka_error_destroy(error);
        return failed;
    }
    count(s->aborted, 1);
    return TXN_ABORTED;
}

/* --- messages ------------------------------------------------------------------------------------------ */

/* librdkafka asks for the leaders of a topic that is new to it once a second: the first message would wait. */
static rd_kafka_topic_t *topic_of(struct sink_kafka *s, const char *topic)
{
    const struct rd_kafka_metadata *md;
    for (size_t i = 0; i < s->topic_n; i++)
        if (strcmp(rd_kafka_topic_name(s->topics[i]), topic) == 0) return s->topics[i];
    s->topics = mem_resize(s->topics, s->topic_n + 1, sizeof s->topics[0]);
    rd_kafka_topic_t *new = rd_kafka_topic_new(s->rk, topic, NULL);
    s->topics[s->topic_n++] = new;
    if (!rd_kafka_metadata(s->rk, 0, new, &md, STEP_MS)) rd_kafka_metadata_destroy(md);
    return new;
}

static rd_kafka_resp_err_t produce(struct sink_kafka *s, const struct sink_kafka_message *m)
{
    return rd_kafka_producev(s->rk, RD_KAFKA_V_RKT(topic_of(s, m->topic)),
                             RD_KAFKA_V_PARTITION(m->partition),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_KEY((void *)(uintptr_t)m->key.at, m->key.len),
                             RD_KAFKA_V_VALUE((void *)(uintptr_t)m->value.at, m->value.len),
                             RD_KAFKA_V_TIMESTAMP(m->timestamp_ms), RD_KAFKA_V_END);
}

/* A full queue is what happens to those who are faster than the brokers: only one that stays full asks for patience. */
static rd_kafka_resp_err_t produce_later(struct sink_kafka *s, const struct sink_kafka_message *m)
{
    int64_t begun_ms = clock_now_ms(), waited_ms = 0;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__QUEUE_FULL;
    while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && waited_ms < PATIENCE_MS &&
           (waited_ms < STEP_MS || patience_more(&s->patience))) {
        rd_kafka_poll(s->rk, FULL_QUEUE_MS);
        code = produce(s, m);
        waited_ms = clock_now_ms() - begun_ms;
    }
    return code;
}

enum txn sink_kafka_put(struct sink_kafka *s, const struct sink_kafka_message *m, struct err *e)
{
    rd_kafka_resp_err_t code = produce(s, m);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) code = produce_later(s, m);
    if (!s->transactional_id) rd_kafka_poll(s->rk, 0); /* else the commit does it for all */
    if (!code) return TXN_DONE;
    bool broken = code == RD_KAFKA_RESP_ERR__STATE && !rd_kafka_fatal_error(s->rk, NULL, 0);
    if (s->transactional_id && broken)
        return sink_kafka_abort(s, e); /* a message before this one failed */
    return fail(s, m->topic, code, rd_kafka_err2str(code), e);
}

bool sink_kafka_flush(struct sink_kafka *s, int64_t timeout_ms, bool *ret_waiting, struct err *e)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(s->rk, (int)timeout_ms);
    if (ret_waiting) *ret_waiting = code == RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return err_set(e, "kafka producer: %d messages are not acknowledged after %d ms",
                       rd_kafka_outq_len(s->rk), (int)timeout_ms);
    if (s->failed_n == 0) return true;
    s->failed_n = 0;
    (void)fail(s, "delivery", s->failure, rd_kafka_err2str(s->failure), e);
    return false;
}

/* --- partitions ---------------------------------------------------------------------------------------- */

/* MurmurHash2 as org.apache.kafka.common.utils.Utils.murmur2 has it: Java's and our producers put a key into the
 * same partition. */
static uint32_t murmur2(const unsigned char *at, size_t len)
{
    const uint32_t m = 0x5bd1e995;
    uint32_t h = 0x9747b28cu ^ (uint32_t)len;
    for (; len >= 4; at += 4, len -= 4) {
        uint32_t k = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        k *= m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }
    if (len == 3) h ^= (uint32_t)at[2] << 16;
    if (len >= 2) h ^= (uint32_t)at[1] << 8;
    if (len >= 1) h = (h ^ at[0]) * m;
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

int32_t sink_kafka_partition_of(struct str key, int32_t n)
{
    assert(n > 0);
    return (int32_t)(murmur2((const unsigned char *)key.at, key.len) & 0x7fffffff) % n;
}

/* --- birth and death ----------------------------------------------------------------------------------- */

static void set_kind(rd_kafka_conf_t *rk_conf, const struct sink_kafka_spec *spec)
{
    rd_kafka_conf_set_dr_msg_cb(rk_conf, on_delivery);
    rd_kafka_conf_set_error_cb(rk_conf, on_error);
    if (!spec->transactional_id) {
        conf_kafka_set_int(rk_conf, "message.timeout.ms", DELIVERY_MS);
        return;
    }
    conf_kafka_set(rk_conf, "transactional.id", spec->transactional_id);
    conf_kafka_set_int(rk_conf, "transaction.timeout.ms", spec->transaction_ms);
    /* The brokers abort and fence at the transaction's timeout: what was not delivered long before it
     * leaves us time to abort, and to go on. */
    conf_kafka_set_int(rk_conf, "message.timeout.ms", spec->transaction_ms / 2);
}

static rd_kafka_t *make_producer(const struct sink_kafka_spec *spec, struct sink_kafka *s,
                                 struct err *e)
{
    rd_kafka_conf_t *rk_conf = conf_kafka_make(spec->kafka, true, e);
    if (!rk_conf) return NULL;
    set_kind(rk_conf, spec);
    rd_kafka_conf_set_opaque(rk_conf, s);
    return conf_kafka_client_take(rk_conf, true, e);
}

static void open_metrics(struct sink_kafka *s, struct metrics *m)
{
    if (!m) return;
    s->sent = metrics_counter(m, "produced_total", "", "Records that the brokers acknowledged");
    s->failed = metrics_counter(m, "produce_failures_total", "", "Records that were not delivered");
    if (!s->transactional_id) return;
    s->committed =
        metrics_counter(m, "transactions_total", "result=\"committed\"", "Kafka transactions");
    s->aborted =
        metrics_counter(m, "transactions_total", "result=\"aborted\"", "Kafka transactions");
}

struct sink_kafka *sink_kafka_new(const struct sink_kafka_spec *spec, struct err *e)
{
    struct sink_kafka *s = mem_zero(1, sizeof *s);
    const char *id = spec->transactional_id;
    s->transactional_id = id ? mem_dup(id, strlen(id)) : NULL;
    s->patience = spec->patience;
    s->rk = make_producer(spec, s, e);
    s->trouble = (struct trouble_kafka){
        .comp = "sink_kafka", .subject = id ? s->transactional_id : "", .rk = s->rk};
    open_metrics(s, spec->metrics);
    if (s->rk && (!id || resolve(s, "init", persist(s, step_init, NULL), e) == TXN_DONE)) return s;
    sink_kafka_free(s);
    return NULL;
}

void sink_kafka_free(struct sink_kafka *s)
{
    if (!s) return;
    if (s->rk && !s->transactional_id) rd_kafka_flush(s->rk, FINAL_FLUSH_MS);
    for (size_t i = 0; i < s->topic_n; i++) rd_kafka_topic_destroy(s->topics[i]);
    free(s->topics);
    if (s->rk) rd_kafka_destroy(s->rk);
    free(s->transactional_id);
    free(s);
}
