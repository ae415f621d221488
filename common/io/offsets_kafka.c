#include "io/offsets_kafka.h"

#include <assert.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <string.h>

#include "base/config.h"
#include "base/value.h"

enum { COMMIT_SLICE_MS = 500 };

rd_kafka_topic_partition_list_t *offsets_kafka_list(const char *topic,
                                                    const struct checkpoint *parts, size_t n)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_topic_partition_t *p =
            rd_kafka_topic_partition_list_add(list, topic, parts[i].partition);
        p->offset = parts[i].offset;
        p->metadata_size = strnlen(parts[i].metadata, CHECKPOINT_METADATA_BYTES);
        if (p->metadata_size > 0) {
            p->metadata = rd_kafka_mem_malloc(NULL, p->metadata_size);
            memcpy(p->metadata, parts[i].metadata, p->metadata_size);
        }
    }
    return list;
}

/* --- reading positions ---------------------------------------------------------------------------- */

static bool read_metadata(const rd_kafka_topic_partition_t *p, struct checkpoint *part,
                          struct err *e)
{
    struct str text = {p->metadata, p->metadata_size};
    if (text.len >= CHECKPOINT_METADATA_BYTES || !str_is_text(text))
        return err_refuse(e,
                          "%s partition %" PRId32
                          ": the metadata at the committed offset is not Weir's (%zu bytes); "
                          "give Weir a group of its own, or use weir-reset",
                          p->topic, p->partition, text.len);
    if (text.len > 0) memcpy(part->metadata, text.at, text.len);
    part->metadata[text.len] = '\0';
    return true;
}

static enum offsets_kafka read_one(const rd_kafka_topic_partition_t *p, struct checkpoint *part,
                                   struct err *e)
{
    if (p->err) {
        err_set(e, "%s partition %" PRId32 ": cannot read the committed offset: %s", p->topic,
                p->partition, rd_kafka_err2str(p->err));
        return OFFSETS_KAFKA_LATER; /* mostly UNSTABLE_OFFSET_COMMIT: a predecessor's open transaction */
    }
    part->offset = p->offset >= 0 ? p->offset : CHECKPOINT_NONE;
    return read_metadata(p, part, e) ? OFFSETS_KAFKA_KNOWN : OFFSETS_KAFKA_BAD;
}

static enum offsets_kafka read_list(const rd_kafka_topic_partition_list_t *list,
                                    struct checkpoint *parts, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (i == (size_t)list->cnt || list->elems[i].partition != parts[i].partition) {
            err_set(e, "the brokers answered for other partitions than we asked for");
            return OFFSETS_KAFKA_LATER;
        }
        enum offsets_kafka known = read_one(&list->elems[i], &parts[i], e);
        if (known != OFFSETS_KAFKA_KNOWN) return known;
    }
    return OFFSETS_KAFKA_KNOWN;
}

static bool worth_asking_again(rd_kafka_resp_err_t code)
{
    return code != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED &&
           code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && code != RD_KAFKA_RESP_ERR__FATAL;
}

enum offsets_kafka offsets_kafka_committed(rd_kafka_t *rk, const char *topic,
                                           struct checkpoint *parts, size_t n, int timeout_ms,
                                           struct err *e)
{
    if (n == 0) return OFFSETS_KAFKA_KNOWN;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topic, parts[i].partition);
    rd_kafka_resp_err_t code = rd_kafka_committed(rk, list, timeout_ms);
    enum offsets_kafka known;
    if (code) {
        err_set(e, "cannot read the committed offsets of %s: %s", topic, rd_kafka_err2str(code));
        known = worth_asking_again(code) ? OFFSETS_KAFKA_LATER : OFFSETS_KAFKA_BAD;
    } else {
        known = read_list(list, parts, n, e);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return known;
}

/* --- admin requests: one request, one answering event --------------------------------------------- */

/* Waits for the answer of an admin request; NULL with e set. The caller destroys it. */
static rd_kafka_event_t *await_answer(rd_kafka_queue_t *answers, int timeout_ms, const char *what,
                                      struct err *e)
{
    rd_kafka_event_t *answer = rd_kafka_queue_poll(answers, timeout_ms);
    if (!answer) {
        err_set(e, "%s: no answer within %d ms", what, timeout_ms);
        return NULL;
    }
    if (!rd_kafka_event_error(answer)) return answer;
    err_set(e, "%s: %s", what, rd_kafka_event_error_string(answer));
    rd_kafka_event_destroy(answer);
    return NULL;
}

static bool read_group(rd_kafka_event_t *answer, struct checkpoint *part, struct err *e)
{
    size_t n;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(answer), &n);
    assert(n == 1); /* librdkafka's word: one per request */
    const rd_kafka_error_t *error = rd_kafka_group_result_error(groups[0]);
    if (error)
        return err_set(e, "cannot read the offsets of group %s: %s",
                       rd_kafka_group_result_name(groups[0]), rd_kafka_error_string(error));
    return read_list(rd_kafka_group_result_partitions(groups[0]), part, 1, e) ==
           OFFSETS_KAFKA_KNOWN;
}

bool offsets_kafka_of_group(rd_kafka_t *rk, const char *group, const char *topic,
                            struct checkpoint *part, int timeout_ms, struct err *e)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, part->partition);
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(rk);
    rd_kafka_ListConsumerGroupOffsets(rk, &request, 1, NULL, answers);
    rd_kafka_event_t *answer = await_answer(answers, timeout_ms, "offsets of another group", e);
    bool ok = answer && read_group(answer, part, e);
    if (answer) rd_kafka_event_destroy(answer);
    rd_kafka_queue_destroy(answers);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    return ok;
}

static bool read_trim(rd_kafka_event_t *answer, struct err *e)
{
    const rd_kafka_topic_partition_list_t *list =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(answer));
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err)
            return err_set(e, "cannot trim %s partition %" PRId32 ": %s", list->elems[i].topic,
                           list->elems[i].partition, rd_kafka_err2str(list->elems[i].err));
    return true;
}

bool offsets_kafka_trim(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t offset,
                        int timeout_ms, struct err *e)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(rk);
    rd_kafka_DeleteRecords(rk, &request, 1, NULL, answers);
    rd_kafka_event_t *answer = await_answer(answers, timeout_ms, "trimming", e);
    bool ok = answer && read_trim(answer, e);
    if (answer) rd_kafka_event_destroy(answer);
    rd_kafka_queue_destroy(answers);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    return ok;
}

/* --- committing ------------------------------------------------------------------------------------ */

static enum commit classify(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return COMMIT_DONE;
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR__FATAL: return COMMIT_REFUSED;
    /* REBALANCE_IN_PROGRESS among them: until they are revoked the partitions are ours. */
    default: return COMMIT_FAILED;
    }
}

/* The error of the whole request, else the first of a partition. */
static rd_kafka_resp_err_t commit_error(rd_kafka_event_t *answer)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(answer);
    if (code) return code;
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(answer);
    for (int i = 0; list && i < list->cnt; i++)
        if (list->elems[i].err) return list->elems[i].err;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_event_t *await_commit(rd_kafka_queue_t *answers, const struct patience *patience)
{
    rd_kafka_event_t *answer;
    do {
        answer = rd_kafka_queue_poll(answers, COMMIT_SLICE_MS);
    } while (!answer && patience_more(patience));
    return answer;
}

/* rd_kafka_commit() would wait for ever; the queue form waits as long as we say. */
enum commit offsets_kafka_commit(rd_kafka_t *rk, const char *topic, const struct checkpoint *parts,
                                 size_t n, const struct patience *patience, struct err *e)
{
    rd_kafka_topic_partition_list_t *list = offsets_kafka_list(topic, parts, n);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(rk);
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(rk, list, answers, NULL, NULL);
    rd_kafka_event_t *answer = code ? NULL : await_commit(answers, patience);
    if (!code) code = answer ? commit_error(answer) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    enum commit result = classify(code);
    if (result == COMMIT_FAILED)
        err_set(e, "cannot commit offsets of %s: %s", topic, rd_kafka_err2str(code));
    if (answer) rd_kafka_event_destroy(answer);
    rd_kafka_queue_destroy(answers);
    rd_kafka_topic_partition_list_destroy(list);
    return result;
}

/* --- where a partition begins and ends -------------------------------------------------------------- */

static bool range_error(const char *topic, int32_t partition, int code, struct err *e)
{
    return err_set(e, "cannot ask for the offsets of %s partition %" PRId32 ": %s", topic,
                   partition, rd_kafka_err2str((rd_kafka_resp_err_t)code));
}

/* The first offset whose record is not older than time_ms (or _BEGINNING, _END); negative = there is none. */
static rd_kafka_resp_err_t look_up(rd_kafka_t *rk, const char *topic, int32_t partition,
                                   int64_t time_ms, int timeout_ms, int64_t *ret_offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, topic, partition);
    p->offset = time_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(rk, list, timeout_ms);
    if (!code) code = p->err;
    *ret_offset = p->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* Not by rd_kafka_query_watermark_offsets() of librdkafka 2.0.2: of two answers it forgets the error of the first, and
 * then a partition whose leader is changing looks empty. */
int offsets_kafka_ends(rd_kafka_t *rk, const char *topic, int32_t partition, int timeout_ms,
                       int64_t *ret_first, int64_t *ret_end)
{
    rd_kafka_resp_err_t code =
        look_up(rk, topic, partition, RD_KAFKA_OFFSET_BEGINNING, timeout_ms, ret_first);
    if (!code) code = look_up(rk, topic, partition, RD_KAFKA_OFFSET_END, timeout_ms, ret_end);
    if (!code && (*ret_first < 0 || *ret_end < 0)) code = RD_KAFKA_RESP_ERR__BAD_MSG;
    return code;
}

bool offsets_kafka_range(rd_kafka_t *rk, const char *topic, int32_t partition, int timeout_ms,
                         int64_t *ret_first, int64_t *ret_end, struct err *e)
{
    int code = offsets_kafka_ends(rk, topic, partition, timeout_ms, ret_first, ret_end);
    return code ? range_error(topic, partition, code, e) : true;
}

bool offsets_kafka_parse_start(const char *text, int64_t *ret_start_ms, struct err *e)
{
    static const struct config_row time = {"group", "start", CONFIG_TIME, "", "", 0};
    if (strcmp(text, "earliest") == 0)
        *ret_start_ms = OFFSETS_KAFKA_EARLIEST;
    else if (strcmp(text, "latest") == 0)
        *ret_start_ms = OFFSETS_KAFKA_LATEST;
    else if (!value_read(&time, str_of(text), ret_start_ms) || *ret_start_ms < 0)
        return err_refuse(e, "group.start is neither earliest nor latest nor a time: %s", text);
    return true;
}

int64_t offsets_kafka_start(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t start_ms,
                            int timeout_ms, struct err *e)
{
    int64_t first, end, found = -1;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (start_ms >= 0) code = look_up(rk, topic, partition, start_ms, timeout_ms, &found);
    if (code) return range_error(topic, partition, code, e), -1;
    if (found >= 0) return found;
    if (!offsets_kafka_range(rk, topic, partition, timeout_ms, &first, &end, e)) return -1;
    return start_ms == OFFSETS_KAFKA_EARLIEST ? first : end;
}
