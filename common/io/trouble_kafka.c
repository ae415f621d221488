#include "io/trouble_kafka.h"

#include <librdkafka/rdkafka.h>

#include "base/clock.h"
#include "base/log.h"

enum { LOG_EVERY_MS = 10000, AWAY_LATELY_MS = 60000, TEXT_BYTES = 300 };

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

bool trouble_kafka_judge(struct trouble_kafka *t, int code, const char *text, struct err *e)
{
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
