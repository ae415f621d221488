#include "io/topics_kafka.h"

#include <assert.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    PATIENCE_MS = 30000, /* for brokers, and for what they were asked to do */
    KNOCK_MS = 4000,     /* for brokers that are only to be reached: somebody waits for an answer */
    ASK_MS = 10000,
    FIRST_ASK_MS = 1000, /* who is not let in learns it soon */
    LOOK_AGAIN_US = 50000,
    ERROR_BYTES = 300,
    PREFIX_MAX_BYTES = 200, /* Kafka: 249 for the whole name */
    DAY_MS = 86400 * 1000,
};

enum { TIME_CREATE, TIME_APPEND };

#define ROW(name, kind, fallback, help, field, ...)                                                \
    {                                                                                              \
        "topics", name, kind, fallback, help, offsetof(struct topics_kafka_conf, field),           \
            __VA_ARGS__                                                                            \
    }

const struct config_row topics_kafka_rows[] = {
    ROW("prefix", CONFIG_STR, "weir", "begins the names of all topics and consumer groups", prefix,
        0),
    ROW("partitions", CONFIG_INT, "4", "of the topic of events, when it is made", partitions, 1,
        10000),
    ROW("replication", CONFIG_INT, "0",
        "copies of every topic that is made; 0 = the brokers' default", replication, 0, 100),
    ROW("time", CONFIG_CHOICE, "create",
        "time of event records: create = the producer's (replays), append = the broker's (live "
        "traffic)",
        time, 0, 0, "create|append"),
    ROW("retention", CONFIG_DURATION, "7d", "of events with time = append; replays keep everything",
        retention_ms, DAY_MS / 24, INT64_C(3650) * DAY_MS),
    {0},
};

static const char *const suffixes[TOPICS_N] = {
    [TOPICS_EVENTS] = "events", [TOPICS_PANES] = "panes", [TOPICS_LATE] = "late",
    [TOPICS_DEAD] = "dead",     [TOPICS_STATE] = "state",
};

bool topics_kafka_check(const struct topics_kafka_conf *conf, struct err *e)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(conf->prefix);
    if (len && len <= PREFIX_MAX_BYTES && strspn(conf->prefix, allowed) == len) return true;
    return err_refuse(e,
                      "topics.prefix = \"%.80s\": expected 1 to %d letters, digits, '.', '_', '-'",
                      conf->prefix, PREFIX_MAX_BYTES);
}

char *topics_kafka_name(const struct topics_kafka_conf *conf, enum topics_kafka which)
{
    return mem_printf("%s-%s", conf->prefix, suffixes[which]);
}

/* --- what each topic is made of ----------------------------------------------------------------------- */

enum check {
    ONCE,     /* set when the topic is made; its owner may change it */
    SAME,     /* Weir's results rest on it */
    AT_LEAST, /* a number */
    NEWER,    /* the same, but brokers before 3.6 do not know it */
};

struct wish {
    const char *name, *value;
    enum check check;
};

/* All of a topic's wishes; the list ends with a NULL name. */
enum { WISHES_MAX = 8 };

#define FOR_EVER "9223372036854775807"

/* Record times of 2017, or of a simulated future, must neither be refused nor fall to the retention. */
static const struct wish of_replays[WISHES_MAX] = {
    {"cleanup.policy", "delete", SAME},
    {"message.timestamp.type", "CreateTime", SAME},
    {"retention.ms", "-1", SAME},
    {"retention.bytes", "-1", SAME},
    {"message.timestamp.before.max.ms", FOR_EVER, NEWER},
    {"message.timestamp.after.max.ms", FOR_EVER, NEWER},
};

static const struct wish of_live_traffic[WISHES_MAX] = {
    {"cleanup.policy", "delete", SAME},
    {"message.timestamp.type", "LogAppendTime", SAME},
};

static const struct wish of_panes[WISHES_MAX] = {
    {"cleanup.policy", "delete", SAME},
    {"message.timestamp.type", "LogAppendTime", SAME},
    {"retention.ms", "-1", SAME},
    {"retention.bytes", "-1", SAME},
    {"max.message.bytes", "4194304", AT_LEAST},
    {"segment.bytes", "67108864", ONCE}, /* weir-rank trims; files go as wholes */
};

static const struct wish of_letters[WISHES_MAX] = {
    {"cleanup.policy", "delete", SAME},
    {"message.timestamp.type", "LogAppendTime", SAME},
    {"retention.ms", "2592000000", ONCE}, /* 30 days to look at them */
};

static const struct wish of_state[WISHES_MAX] = {
    {"cleanup.policy", "compact", SAME},
    {"segment.bytes", "1048576", ONCE},
    {"segment.ms", "600000", ONCE},
    {"min.cleanable.dirty.ratio", "0.1", ONCE},
};

static const struct wish *wishes_of(const struct topics_kafka_conf *conf, enum topics_kafka which)
{
    switch (which) {
    case TOPICS_EVENTS: return conf->time == TIME_CREATE ? of_replays : of_live_traffic;
    case TOPICS_PANES: return of_panes;
    case TOPICS_LATE:
    case TOPICS_DEAD: return of_letters;
    case TOPICS_STATE: return of_state;
    case TOPICS_N: break;
    }
    assert(!"no such topic");
    return NULL;
}

static int partitions_of(const struct topics_kafka_conf *conf, enum topics_kafka which)
{
    return which == TOPICS_EVENTS ? (int)conf->partitions : 1;
}

/* --- a visit to the brokers ---------------------------------------------------------------------------- */

struct visit {
    const struct topics_kafka_conf *conf;
    rd_kafka_t *rk;          /* own */
    rd_kafka_queue_t *queue; /* own: answers */
    char *names[TOPICS_N];   /* own */
    int64_t deadline_ms;
    struct err trouble; /* why the brokers cannot be reached, as far as we were told */
};

/* Trying again cures neither. A plain connection to a TLS port (and the reverse) just ends: that looks like an outage. */
static void on_error(rd_kafka_t *rk, int code, const char *text, void *opaque)
{
    (void)rk;
    struct visit *v = opaque;
    if (v->trouble.status == ERR_FAILED) v->trouble = (struct err){0};
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
        err_refuse(
            &v->trouble,
            "the Kafka brokers do not let us in: see kafka.sasl.* and kafka.password_file: %s",
            text);
    else if (code == RD_KAFKA_RESP_ERR__SSL)
        err_refuse(&v->trouble,
                   "no TLS with the Kafka brokers: see kafka.bootstrap.servers and kafka.ssl.*: %s",
                   text);
    else if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        err_set(&v->trouble, "cannot reach the Kafka brokers: %s", text);
}

static bool visit_begin(struct visit *v, const struct conf_kafka *kafka,
                        const struct topics_kafka_conf *conf, struct err *e)
{
    *v = (struct visit){.conf = conf, .deadline_ms = clock_now_ms() + PATIENCE_MS};
    if (!conf->prefix[0] || strlen(conf->prefix) > 200)
        return err_refuse(e, "topics.prefix must have 1 to 200 characters");
    rd_kafka_conf_t *rk_conf = conf_kafka_make(kafka, false, e);
    if (!rk_conf) return false;
    rd_kafka_conf_set_error_cb(rk_conf, on_error);
    rd_kafka_conf_set_opaque(rk_conf, v);
    v->rk = conf_kafka_client_take(rk_conf, false, e);
    if (!v->rk) return false;
    v->queue = rd_kafka_queue_new(v->rk);
    for (int i = 0; i < TOPICS_N; i++) v->names[i] = topics_kafka_name(conf, (enum topics_kafka)i);
    return true;
}

static void visit_end(struct visit *v)
{
    if (!v->rk) return;
    for (int i = 0; i < TOPICS_N; i++) free(v->names[i]);
    rd_kafka_queue_destroy(v->queue);
    rd_kafka_destroy(v->rk);
}

static int time_left_ms(const struct visit *v)
{
    int64_t left_ms = v->deadline_ms - clock_now_ms();
    if (left_ms < 1) return 1;
    return left_ms < ASK_MS ? (int)left_ms : ASK_MS;
}

static bool in_time(const struct visit *v)
{
    return clock_now_ms() < v->deadline_ms;
}

static bool hopeless(struct visit *v)
{
    rd_kafka_poll(v->rk, 0); /* on_error */
    return v->trouble.status == ERR_REFUSED || !in_time(v);
}

/* What the brokers say of all topics; NULL with e set. The caller destroys it. */
static const struct rd_kafka_metadata *look(struct visit *v, struct err *e)
{
    const struct rd_kafka_metadata *md;
    int ask_ms = FIRST_ASK_MS;
    for (;; ask_ms *= 2) {
        int left_ms = time_left_ms(v);
        rd_kafka_resp_err_t code =
            rd_kafka_metadata(v->rk, 1, NULL, &md, ask_ms < left_ms ? ask_ms : left_ms);
        if (!code) return md;
        if (!hopeless(v)) continue;
        *e = v->trouble;
        err_set(e, "cannot reach the Kafka brokers: %s", rd_kafka_err2str(code));
        return NULL;
    }
}

static const struct rd_kafka_metadata_topic *find(const struct rd_kafka_metadata *md,
                                                  const char *name)
{
    for (int i = 0; i < md->topic_cnt; i++)
        if (strcmp(md->topics[i].topic, name) == 0 &&
            md->topics[i].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            return &md->topics[i];
    return NULL;
}

static bool is_led(const struct rd_kafka_metadata_topic *t)
{
    for (int i = 0; i < t->partition_cnt; i++)
        if (t->partitions[i].leader < 0) return false;
    return t->partition_cnt > 0;
}

static rd_kafka_event_t *await(struct visit *v, const char *what, struct err *e)
{
    rd_kafka_event_t *answer = rd_kafka_queue_poll(v->queue, ASK_MS * 2);
    if (answer && !rd_kafka_event_error(answer)) return answer;
    err_set(e, "%s: %s", what,
            answer ? rd_kafka_event_error_string(answer) : "no answer from the brokers");
    if (answer) rd_kafka_event_destroy(answer);
    return NULL;
}

/* --- making ---------------------------------------------------------------------------------------------- */

static rd_kafka_NewTopic_t *new_topic(const struct visit *v, enum topics_kafka which,
                                      bool old_brokers)
{
    char text[ERROR_BYTES];
    int copies = v->conf->replication > 0 ? (int)v->conf->replication : -1;
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(v->names[which], partitions_of(v->conf, which),
                                                   copies, text, sizeof text);
    assert(t);
    for (const struct wish *w = wishes_of(v->conf, which); w->name; w++)
        if (w->check != NEWER || !old_brokers) rd_kafka_NewTopic_set_config(t, w->name, w->value);
    if (which == TOPICS_EVENTS && v->conf->time == TIME_APPEND) {
        snprintf(text, sizeof text, "%" PRId64, v->conf->retention_ms);
        rd_kafka_NewTopic_set_config(t, "retention.ms", text);
    }
    return t;
}

static bool made(const rd_kafka_topic_result_t *r, struct err *e)
{
    const char *name = rd_kafka_topic_result_name(r), *why = rd_kafka_topic_result_error_string(r);
    switch (rd_kafka_topic_result_error(r)) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return true; /* another daemon was faster */
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return err_refuse(
            e, "topic %s is missing and we may not create it: create it, or allow us to", name);
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
        return err_refuse(e, "topic %s cannot be created: %s", name, why);
    default: return err_set(e, "topic %s was not created: %s", name, why);
    }
}

static bool create_as(struct visit *v, enum topics_kafka which, bool old_brokers, bool *ret_unknown,
                      struct err *e)
{
    size_t n;
    rd_kafka_NewTopic_t *t = new_topic(v, which, old_brokers);
    rd_kafka_CreateTopics(v->rk, &t, 1, NULL, v->queue);
    rd_kafka_NewTopic_destroy(t);
    rd_kafka_event_t *answer = await(v, "creating a topic", e);
    if (!answer) return false;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer), &n);
    assert(n == 1);
    *ret_unknown = rd_kafka_topic_result_error(results[0]) == RD_KAFKA_RESP_ERR_INVALID_CONFIG;
    bool ok = (*ret_unknown && !old_brokers) || made(results[0], e);
    rd_kafka_event_destroy(answer);
    return ok;
}

static bool create(struct visit *v, enum topics_kafka which, struct err *e)
{
    bool unknown;
    if (!create_as(v, which, false, &unknown, e)) return false;
    if (unknown && !create_as(v, which, true, &unknown, e)) return false;
    log_info("topics_kafka", "created", "topic=%s", v->names[which]);
    return true;
}

static bool await_leader(struct visit *v, enum topics_kafka which, struct err *e)
{
    do {
        const struct rd_kafka_metadata *md = look(v, e);
        if (!md) return false;
        const struct rd_kafka_metadata_topic *t = find(md, v->names[which]);
        bool ready = t && is_led(t);
        rd_kafka_metadata_destroy(md);
        if (ready) return true;
        usleep(LOOK_AGAIN_US);
    } while (in_time(v));
    return err_set(e, "topic %s has no leader yet", v->names[which]);
}

/* --- checking -------------------------------------------------------------------------------------------- */

static bool holds(const struct wish *w, const char *value)
{
    int64_t have, want;
    if (w->check == ONCE) return true;
    if (w->check != AT_LEAST) return strcmp(w->value, value) == 0;
    return str_int64(str_of(value), &have) && str_int64(str_of(w->value), &want) && have >= want;
}

static bool check_entries(const struct visit *v, enum topics_kafka which,
                          const rd_kafka_ConfigResource_t *resource, struct err *e)
{
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    for (size_t i = 0; i < n; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]),
                   *value = rd_kafka_ConfigEntry_value(entries[i]);
        for (const struct wish *w = wishes_of(v->conf, which); w->name; w++)
            if (value && strcmp(w->name, name) == 0 && !holds(w, value))
                return err_refuse(e,
                                  "topic %s has %s=%s but needs %s: change it with kafka-configs, "
                                  "or take another "
                                  "topics.prefix",
                                  v->names[which], name, value, w->value);
    }
    return true;
}

static bool check_answer(const struct visit *v, enum topics_kafka which, rd_kafka_event_t *answer,
                         struct err *e)
{
    size_t n;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(answer), &n);
    assert(n == 1);
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[0]);
    if (!code) return check_entries(v, which, resources[0], e);
    if (code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return err_set(e, "cannot look at the settings of topic %s: %s", v->names[which],
                       rd_kafka_ConfigResource_error_string(resources[0]));
    log_warn("topics_kafka", "unchecked", "topic=%s text=\"we may not look at its settings\"",
             v->names[which]);
    return true;
}

static bool check_settings(struct visit *v, enum topics_kafka which, struct err *e)
{
    rd_kafka_ConfigResource_t *question =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, v->names[which]);
    rd_kafka_DescribeConfigs(v->rk, &question, 1, NULL, v->queue);
    rd_kafka_ConfigResource_destroy(question);
    rd_kafka_event_t *answer = await(v, "looking at a topic's settings", e);
    if (!answer) return false;
    bool ok = check_answer(v, which, answer, e);
    rd_kafka_event_destroy(answer);
    return ok;
}

static bool check_partitions(const struct visit *v, enum topics_kafka which, int n, struct err *e)
{
    bool one = which == TOPICS_PANES || which == TOPICS_STATE;
    if (!one || n == 1) return true;
    return err_refuse(
        e, "topic %s has %d partitions but needs 1: delete it, or take another topics.prefix",
        v->names[which], n);
}

/* --- all of it --------------------------------------------------------------------------------------------- */

static bool ensure_one(struct visit *v, const struct rd_kafka_metadata *md, enum topics_kafka which,
                       struct err *e)
{
    const struct rd_kafka_metadata_topic *t = find(md, v->names[which]);
    if (t && !check_partitions(v, which, t->partition_cnt, e)) return false;
    if (!t && !create(v, which, e)) return false;
    if ((!t || !is_led(t)) && !await_leader(v, which, e)) return false;
    return check_settings(v, which, e);
}

bool topics_kafka_ensure(const struct conf_kafka *kafka, const struct topics_kafka_conf *conf,
                         unsigned set, struct err *e)
{
    struct visit v;
    const struct rd_kafka_metadata *md = NULL;
    bool ok = visit_begin(&v, kafka, conf, e);
    if (!set) v.deadline_ms = clock_now_ms() + KNOCK_MS;
    ok = ok && (md = look(&v, e));
    for (int i = 0; i < TOPICS_N && ok; i++)
        if (set & 1u << i) ok = ensure_one(&v, md, (enum topics_kafka)i, e);
    if (md) rd_kafka_metadata_destroy(md);
    visit_end(&v);
    return ok;
}

static bool delete_one(struct visit *v, enum topics_kafka which, struct err *e)
{
    size_t n;
    rd_kafka_DeleteTopic_t *t = rd_kafka_DeleteTopic_new(v->names[which]);
    rd_kafka_DeleteTopics(v->rk, &t, 1, NULL, v->queue);
    rd_kafka_DeleteTopic_destroy(t);
    rd_kafka_event_t *answer = await(v, "deleting a topic", e);
    if (!answer) return false;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(answer), &n);
    assert(n == 1);
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
    rd_kafka_event_destroy(answer);
    if (!code || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return true;
    return err_set(e, "cannot delete topic %s: %s", v->names[which], rd_kafka_err2str(code));
}

static bool await_gone(struct visit *v, enum topics_kafka which, struct err *e)
{
    do {
        const struct rd_kafka_metadata *md = look(v, e);
        if (!md) return false;
        bool gone = !find(md, v->names[which]);
        rd_kafka_metadata_destroy(md);
        if (gone) return true;
        usleep(LOOK_AGAIN_US);
    } while (in_time(v));
    return err_set(e, "topic %s is not gone yet", v->names[which]);
}

bool topics_kafka_delete(const struct conf_kafka *kafka, const struct topics_kafka_conf *conf,
                         unsigned set, struct err *e)
{
    struct visit v;
    bool ok = visit_begin(&v, kafka, conf, e);
    for (int i = 0; i < TOPICS_N && ok; i++)
        if (set & 1u << i)
            ok = delete_one(&v, (enum topics_kafka)i, e) && await_gone(&v, (enum topics_kafka)i, e);
    visit_end(&v);
    return ok;
}
