#include "io/trouble_kafka.h"

#include <librdkafka/rdkafka.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    LOG_EVERY_MS = 10000,
    AWAY_LATELY_MS = 60000,
    GONE_MS = 10000, /* brokers that have just started may not know their topics yet */
    ASK_MS = 1000,
    TEXT_BYTES = 300,
};

static bool means_away(int code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

static bool away_lately(const struct trouble_kafka *t)
{
    return t->away_ms && clock_now_ms() - t->away_ms < AWAY_LATELY_MS;
}

void trouble_kafka_log(struct trouble_kafka *t, int code, const char *text)
{
    int64_t now_ms = clock_now_ms();
    if (means_away(code)) t->away_ms = now_ms;
    if (t->complained_ms && now_ms - t->complained_ms < LOG_EVERY_MS) return;
    t->complained_ms = now_ms;
    log_warn(t->comp, "trouble", "subject=\"%s\" error=%s text=\"%s\"", t->subject,
             rd_kafka_err2name((rd_kafka_resp_err_t)code), text ? text : "");
}

bool trouble_kafka_fatal(struct trouble_kafka *t, struct err *e)
{
    char text[TEXT_BYTES] = "";
    switch (rd_kafka_fatal_error(t->rk, text, sizeof text)) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return false;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        if (away_lately(t))
            return err_set(e, "fenced after the brokers were away (%s): %s", t->subject, text);
        return err_fenced(e, "another process has taken our place (%s): %s", t->subject, text);
    default: return err_set(e, "the Kafka client of %s cannot go on: %s", t->subject, text);
    }
}

static rd_kafka_resp_err_t ask(const struct trouble_kafka *t, rd_kafka_topic_t *topic)
{
    const struct rd_kafka_metadata *md;
    rd_kafka_resp_err_t code = rd_kafka_metadata(t->rk, 0, topic, &md, ASK_MS);
    if (code) return code;
    if (md->topic_cnt == 1) code = md->topics[0].err;
    rd_kafka_metadata_destroy(md);
    return code;
}

bool trouble_kafka_gone(struct trouble_kafka *t, rd_kafka_topic_t *topic, struct err *e)
{
    int64_t now_ms = clock_now_ms();
    if (!t->missing_ms || now_ms - t->asked_ms < ASK_MS) return true;
    t->asked_ms = now_ms;
    rd_kafka_resp_err_t code = ask(t, topic);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) t->missing_ms = 0;
    if (code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || now_ms - t->missing_ms < GONE_MS)
        return true;
    return err_refuse(e,
                      "topic %s does not exist any more: bring back the brokers' data, or start "
                      "afresh with weir-reset",
                      t->subject);
}

static void note_missing(struct trouble_kafka *t, int code)
{
    bool missing = code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                   code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                   code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    if (missing && !t->missing_ms) t->missing_ms = clock_now_ms();
}

bool trouble_kafka_judge(struct trouble_kafka *t, int code, const char *text, struct err *e)
{
    note_missing(t, code);
    switch (code) {
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: return trouble_kafka_fatal(t, e);
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return err_refuse(e, "the brokers do not let us read %s: %s", t->subject, text);
    /* librdkafka goes on behind what it cannot read; we do not. */
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
        return err_set(e, "unreadable records in %s: %s", t->subject, text);
    default: trouble_kafka_log(t, code, text); return true;
    }
}
