#include "io/conf_kafka.h"

#include <assert.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/log.h"
#include "base/pairs.h"

enum { KAFKA_TEXT_BYTES = 400 };

const struct config_row conf_kafka_rows[] = {
    {"kafka", "password_file", CONFIG_SECRET, "",
     "a file with the password of sasl.username, if the brokers ask for one",
     offsetof(struct conf_kafka, password)},
    {"kafka", NULL, CONFIG_PAIRS, "",
     "librdkafka's own settings: bootstrap.servers (required), security.protocol, ...",
     offsetof(struct conf_kafka, pairs)},
    {0},
};

/* What the delivery guarantees rest on, and what has its own key elsewhere. Aliases included. */
static const char *const reserved[] = {
    "acks",
    "auto.commit.enable",
    "auto.offset.reset",
    "consume.callback.max.messages",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "enabled_events",
    "group.id",
    "group.instance.id",
    "isolation.level",
    "log.queue",
    "message.timeout.ms",
    "partition.assignment.strategy",
    "partitioner",
    "request.required.acks",
    "sasl.password",
    "session.timeout.ms",
    "transaction.timeout.ms",
    "transactional.id",
};

struct setting {
    const char *name, *value;
};

static const struct setting for_all[] = {
    {"client.id", "weir"},
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.max.ms", "1000"}, /* default 10 s: too long after a broker's restart */
    {"topic.metadata.refresh.interval.ms", "30000"}, /* new partitions are found this fast */
};

/* Each partition has a queue of its own (see partition_kafka.c), so the bounds of the queues are per partition. A
 * message waiting there costs about 450 bytes beside its own: 10 MB per partition when its stage is the slower one.
 * librdkafka 2.0.2 leaves full queues alone for up to a second: fetch_kafka.h wakes it. The bytes of a fetch stay for as long
 * as one of its messages does: fetches a quarter of the default's size are a third less memory, and cost nothing. */
static const struct setting for_consumers[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"isolation.level", "read_committed"},
    {"enable.partition.eof", "true"},
    {"partition.assignment.strategy", "range"},
    {"check.crcs", "true"},
    {"fetch.wait.max.ms", "50"}, /* how late an end of partition may be seen */
    {"fetch.error.backoff.ms", "100"},
    {"session.timeout.ms", "1000"}, /* 45 s would refuse a shorter max.poll.interval.ms */
    {"queued.min.messages", "20000"},
    {"queued.max.messages.kbytes", "4096"},
    {"fetch.message.max.bytes", "262144"}, /* of a partition; a larger batch comes whole */
    {"socket.timeout.ms", "10000"},
};

static const struct setting for_producers[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"compression.codec", "lz4"},
    {"linger.ms", "5"},
    {"partitioner", "murmur2_random"},
    {"message.max.bytes", "4194304"},
    /* Short: a program that writes more than the brokers take waits, and no message waits until it times out. */
    {"queue.buffering.max.kbytes", "8192"},
};

void conf_kafka_set(rd_kafka_conf_t *rk_conf, const char *name, const char *value)
{
    char text[KAFKA_TEXT_BYTES];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(rk_conf, name, value, text, sizeof text);
    assert(result == RD_KAFKA_CONF_OK);
}

void conf_kafka_set_int(rd_kafka_conf_t *rk_conf, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    conf_kafka_set(rk_conf, name, text);
}

static void set_all(rd_kafka_conf_t *rk_conf, const struct setting *settings, size_t n)
{
    for (size_t i = 0; i < n; i++) conf_kafka_set(rk_conf, settings[i].name, settings[i].value);
}

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (strcmp(name, reserved[i]) == 0) return true;
    return false;
}

static bool set_pair(rd_kafka_conf_t *rk_conf, const struct config_pair *pair, struct err *e)
{
    char text[KAFKA_TEXT_BYTES];
    if (strcmp(pair->name, "sasl.password") == 0)
        return err_refuse(
            e, "kafka.sasl.password: put it into a file and name that in kafka.password_file");
    if (is_reserved(pair->name))
        return err_refuse(e, "kafka.%s is set by Weir itself: remove it", pair->name);
    if (rd_kafka_conf_set(rk_conf, pair->name, pair->value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return true;
    if (pairs_secret(pair->name)) return err_refuse(e, "kafka.%s is not valid", pair->name);
    return err_refuse(e, "kafka.%s: %s", pair->name, text);
}

static bool set_pairs(rd_kafka_conf_t *rk_conf, const struct conf_kafka *conf, struct err *e)
{
    bool reachable = false;
    for (size_t i = 0; i < conf->pairs.n; i++) {
        const char *name = conf->pairs.at[i].name;
        if (strcmp(name, "bootstrap.servers") == 0 || strcmp(name, "metadata.broker.list") == 0 ||
            strcmp(name, "test.mock.num.brokers") == 0)
            reachable = true;
        if (!set_pair(rk_conf, &conf->pairs.at[i], e)) return false;
    }
    if (!reachable)
        return err_refuse(e, "kafka.bootstrap.servers is missing: where are the brokers?");
    if (conf->password && conf->password[0])
        conf_kafka_set(rk_conf, "sasl.password", conf->password);
    return true;
}

/* Failures reach us as errors; what librdkafka logs beside them is noise, unless debugging was asked for. All but one: a
 * client that could not make a thread says so here only, and would wait for that thread's work for ever. */
static void log_line(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    if (level == LOG_DEBUG || level <= LOG_CRIT)
        log_info("rdkafka", "log", "facility=%s text=\"%s\"", facility, text);
    if (level <= LOG_CRIT && strcmp(facility, "THREAD") == 0) abort();
}

rd_kafka_conf_t *conf_kafka_make(const struct conf_kafka *conf, bool producer, struct err *e)
{
    rd_kafka_conf_t *rk_conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(rk_conf, log_line);
    set_all(rk_conf, for_all, COUNT_OF(for_all));
    if (producer)
        set_all(rk_conf, for_producers, COUNT_OF(for_producers));
    else
        set_all(rk_conf, for_consumers, COUNT_OF(for_consumers));
    if (set_pairs(rk_conf, conf, e)) return rk_conf;
    rd_kafka_conf_destroy(rk_conf);
    return NULL;
}

rd_kafka_t *conf_kafka_client_take(rd_kafka_conf_t *rk_conf, bool producer, struct err *e)
{
    char text[KAFKA_TEXT_BYTES];
    rd_kafka_type_t type = producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
    rd_kafka_t *rk = rd_kafka_new(type, rk_conf, text, sizeof text);
    if (rk) return rk;
    rd_kafka_conf_destroy(rk_conf);
    if (rd_kafka_last_error() == RD_KAFKA_RESP_ERR__INVALID_ARG)
        err_refuse(e, "librdkafka refuses the settings of [kafka]: %s", text);
    else /* no threads, no memory, a clock that jumped */
        err_set(e, "cannot start a Kafka client: %s", text);
    return NULL;
}

bool conf_kafka_check(const struct conf_kafka *conf, struct err *e)
{
    rd_kafka_conf_t *rk_conf = conf_kafka_make(conf, false, e);
    if (rk_conf) rd_kafka_conf_destroy(rk_conf);
    return rk_conf != NULL;
}
