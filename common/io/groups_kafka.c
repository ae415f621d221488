#include "io/groups_kafka.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { REQUEST_MS = 10000, DEADLINE_MS = 30000, RETRY_MS = 200, TEXT_BYTES = 400 };

struct groups_kafka {
    rd_kafka_t *rk;          /* own */
    rd_kafka_queue_t *queue; /* own; where answers arrive */
};

struct groups_kafka *groups_kafka_new(const struct conf_kafka *conf, struct err *e)
{
    rd_kafka_conf_t *rk_conf = conf_kafka_make(conf, false, e);
    if (!rk_conf) return NULL;
    rd_kafka_t *rk = conf_kafka_client_take(rk_conf, false, e);
    if (!rk) return NULL;
    struct groups_kafka *g = mem_zero(1, sizeof *g);
    g->rk = rk;
    g->queue = rd_kafka_queue_new(rk);
    return g;
}

void groups_kafka_free(struct groups_kafka *g)
{
    if (!g) return;
    rd_kafka_queue_destroy(g->queue);
    rd_kafka_destroy(g->rk);
    free(g);
}

/* --- one question, one answer ----------------------------------------------------------------- */

struct question {
    const char *group;
    rd_kafka_admin_op_t op;
    /* Sends it; the answer comes to the queue. */
    void (*send)(struct groups_kafka *g, struct question *q,
                 const rd_kafka_AdminOptions_t *options);
    /* Reads the answer. */
    rd_kafka_resp_err_t (*read)(struct question *q, rd_kafka_event_t *answer);
    /* What some of them ask for, and what comes back. */
    const char *topic;
    struct checkpoint *parts;
    size_t n;
};

static rd_kafka_resp_err_t ask_once(struct groups_kafka *g, struct question *q)
{
    char text[TEXT_BYTES];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(g->rk, q->op);
    rd_kafka_AdminOptions_set_request_timeout(options, REQUEST_MS, text, sizeof text);
    q->send(g, q, options);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_event_t *answer = rd_kafka_queue_poll(g->queue, -1);
    rd_kafka_resp_err_t error = rd_kafka_event_error(answer);
    if (!error) error = q->read(q, answer);
    rd_kafka_event_destroy(answer);
    return error;
}

/* A coordinator that has just started knows nothing for a moment; a fresh broker makes the topic of offsets first. */
static bool passes(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__WAIT_COORD: return true;
    default: return false;
    }
}

static rd_kafka_resp_err_t ask(struct groups_kafka *g, struct question *q)
{
    int64_t deadline_ms = clock_now_ms() + DEADLINE_MS;
    rd_kafka_resp_err_t error;
    while (passes(error = ask_once(g, q)) && clock_now_ms() < deadline_ms)
        rd_kafka_poll(g->rk, RETRY_MS);
    return error;
}

static bool failed(const char *what, const struct question *q, rd_kafka_resp_err_t error,
                   struct err *e)
{
    return err_set(e, "kafka: %s of group %s: %s", what, q->group, rd_kafka_err2str(error));
}

static rd_kafka_resp_err_t code(const rd_kafka_error_t *error)
{
    return error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* --- committed offsets ------------------------------------------------------------------------ */

static void send_committed(struct groups_kafka *g, struct question *q,
                           const rd_kafka_AdminOptions_t *options)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)q->n);
    for (size_t i = 0; i < q->n; i++)
        rd_kafka_topic_partition_list_add(list, q->topic, q->parts[i].partition);
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(q->group, list);
    rd_kafka_ListConsumerGroupOffsets(g->rk, &request, 1, options, g->queue);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
}

static void take_part(struct checkpoint *part, const rd_kafka_topic_partition_t *answer)
{
    part->offset = answer->offset < 0 ? CHECKPOINT_NONE : answer->offset;
    size_t len = answer->metadata_size;
    if (len >= sizeof part->metadata) len = sizeof part->metadata - 1; /* not written by Weir */
    if (len) memcpy(part->metadata, answer->metadata, len);
    part->metadata[len] = '\0';
}

static rd_kafka_resp_err_t read_committed(struct question *q, rd_kafka_event_t *answer)
{
    size_t n;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(answer), &n);
    if (code(rd_kafka_group_result_error(groups[0])))
        return code(rd_kafka_group_result_error(groups[0]));
    const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(groups[0]);
    for (size_t i = 0; i < q->n; i++) {
        const rd_kafka_topic_partition_t *part = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)list, q->topic, q->parts[i].partition);
        if (part && part->err) return part->err;
        if (part) take_part(&q->parts[i], part);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool groups_kafka_committed(struct groups_kafka *g, const char *group, const char *topic,
                            struct checkpoint *parts, size_t n, struct err *e)
{
    struct question q = {
        .group = group,
        .op = RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
        .send = send_committed,
        .read = read_committed,
        .topic = topic,
        .parts = parts,
        .n = n,
    };
    for (size_t i = 0; i < n; i++) {
        parts[i].offset = CHECKPOINT_NONE;
        parts[i].metadata[0] = '\0';
    }
    if (!n) return true;
    rd_kafka_resp_err_t error = ask(g, &q);
    return !error || failed("offsets", &q, error, e);
}

/* --- members ---------------------------------------------------------------------------------- */

static void send_members(struct groups_kafka *g, struct question *q,
                         const rd_kafka_AdminOptions_t *options)
{
    rd_kafka_DescribeConsumerGroups(g->rk, &q->group, 1, options, g->queue);
}

static rd_kafka_resp_err_t read_members(struct question *q, rd_kafka_event_t *answer)
{
    size_t n;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(answer), &n);
    q->n = rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
    return code(rd_kafka_ConsumerGroupDescription_error(groups[0]));
}

bool groups_kafka_members(struct groups_kafka *g, const char *group, size_t *ret_n, struct err *e)
{
    struct question q = {
        .group = group,
        .op = RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
        .send = send_members,
        .read = read_members,
    };
    rd_kafka_resp_err_t error = ask(g, &q);
    *ret_n = q.n;
    return !error || failed("members", &q, error, e);
}

/* --- deletion --------------------------------------------------------------------------------- */

static void send_delete(struct groups_kafka *g, struct question *q,
                        const rd_kafka_AdminOptions_t *options)
{
    rd_kafka_DeleteGroup_t *request = rd_kafka_DeleteGroup_new(q->group);
    rd_kafka_DeleteGroups(g->rk, &request, 1, options, g->queue);
    rd_kafka_DeleteGroup_destroy(request);
}

static rd_kafka_resp_err_t read_delete(struct question *q, rd_kafka_event_t *answer)
{
    (void)q;
    size_t n;
    const rd_kafka_group_result_t **groups =
        rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(answer), &n);
    return code(rd_kafka_group_result_error(groups[0]));
}

bool groups_kafka_delete(struct groups_kafka *g, const char *group, bool *ret_busy, struct err *e)
{
    struct question q = {
        .group = group,
        .op = RD_KAFKA_ADMIN_OP_DELETEGROUPS,
        .send = send_delete,
        .read = read_delete,
    };
    rd_kafka_resp_err_t error = ask(g, &q);
    *ret_busy = error == RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP;
    if (!error || *ret_busy || error == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return true;
    return failed("deletion", &q, error, e);
}
