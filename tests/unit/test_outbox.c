/* The replay's outbox against librdkafka's mock cluster, which answers with errors: whatever happens, no row is
 * missing. The mock knows no aborted records, so what was sent again is seen again, from its batch's start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "base/pairs.h"
#include "replay/outbox.h"

enum {
    PARTITION_N = 2,
    ROW_N = 200, /* of a batch, in each partition */
    LONG_BYTES = 2000,
    TRANSACTION_MS = 1000,
    READ_MS = 20000,
    API_PRODUCE = 0,
    API_METADATA = 3,
    API_FIND_COORDINATOR = 10,
    API_ADD_PARTITIONS_TO_TXN = 24,
    API_END_TXN = 26,
};

struct rig {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *mock;
    struct conf_kafka conf;
    struct metrics *metrics;
    struct sink_kafka *sink;
    struct outbox *outbox;
    int64_t batch_n;
};

static int set_up(void **state)
{
    struct rig *r = mem_zero(1, sizeof *r);
    struct err e = {0};
    char text[200];
    r->rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    r->mock = rd_kafka_mock_cluster_new(r->rk, 1);
    rd_kafka_mock_topic_create(r->mock, "events", PARTITION_N, 1);
    rd_kafka_mock_topic_create(r->mock, "state", 1, 1);
    pairs_set(&r->conf.pairs, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(r->mock));
    r->metrics = metrics_new();
    struct sink_kafka_spec spec = {.kafka = &r->conf,
                                   .transactional_id = "replay",
                                   .transaction_ms = TRANSACTION_MS,
                                   .metrics = r->metrics};
    r->sink = sink_kafka_new(&spec, &e);
    assert_non_null(r->sink);
    struct outbox_conf conf = {"events", "dead", "state", PARTITION_N, 1};
    r->outbox = outbox_new(&conf, r->sink);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    outbox_free(r->outbox);
    sink_kafka_free(r->sink);
    rd_kafka_mock_cluster_destroy(r->mock);
    rd_kafka_destroy(r->rk);
    pairs_finish(&r->conf.pairs);
    metrics_free(r->metrics);
    free(r);
    return 0;
}

static void add_rows(struct rig *r, int width)
{
    int64_t first = r->batch_n++ * ROW_N;
    for (int64_t i = first; i < first + ROW_N; i++)
        for (int32_t p = 0; p < PARTITION_N; p++) {
            char row[LONG_BYTES + 1];
            snprintf(row, sizeof row, "%-*lld", width, (long long)i);
            outbox_row(r->outbox, p, str_of("u"), str_of(row), 1);
        }
}

static bool commit(struct rig *r, struct err *e)
{
    return outbox_commit(r->outbox, str_of("job"), str_of("position"), e);
}

static bool send_batch(struct rig *r, struct err *e)
{
    add_rows(r, 1);
    return commit(r, e);
}

static int64_t aborted(struct rig *r)
{
    return metrics_value(
        metrics_counter(r->metrics, "transactions_total", "result=\"aborted\"", ""));
}

static rd_kafka_t *reader(struct rig *r)
{
    char text[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(r->mock), text,
                      sizeof text);
    rd_kafka_conf_set(conf, "group.id", "reader", text, sizeof text);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    assert_non_null(rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITION_N);
    for (int32_t p = 0; p < PARTITION_N; p++)
        rd_kafka_topic_partition_list_add(list, "events", p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(rk, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    return rk;
}

/* All rows of all batches, each behind its predecessor; a batch may begin again. */
static void no_gap(struct rig *r)
{
    int64_t next[PARTITION_N] = {0}, all = r->batch_n * ROW_N, again = 0;
    rd_kafka_t *rk = reader(r);
    while (next[0] < all || next[1] < all) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, READ_MS);
        assert_non_null(m);
        assert_int_equal(m->err, RD_KAFKA_RESP_ERR_NO_ERROR);
        char row[LONG_BYTES + 1];
        snprintf(row, sizeof row, "%.*s", (int)m->len, (const char *)m->payload);
        int64_t is = strtoll(row, NULL, 10), *want = &next[m->partition];
        if (is != *want && is % ROW_N != 0)
            fail_msg("%lld instead of %lld", (long long)is, (long long)*want);
        again += is < *want;
        assert_true(is <= *want);
        *want = is + 1;
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    if (aborted(r) == 0) assert_int_equal(again, 0);
}

static void test_09_request_errors_lose_no_row(void **state)
{
    static const struct {
        int16_t api;
        rd_kafka_resp_err_t code;
    } rows[] = {
        {API_PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION},
        {API_PRODUCE, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT},
        {API_PRODUCE, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE},
        {API_PRODUCE, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS},
        {API_PRODUCE, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND},
        {API_PRODUCE, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED},
        {API_PRODUCE, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR},
        {API_ADD_PARTITIONS_TO_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS},
        {API_ADD_PARTITIONS_TO_TXN, RD_KAFKA_RESP_ERR_NOT_COORDINATOR},
        {API_ADD_PARTITIONS_TO_TXN, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS},
        {API_ADD_PARTITIONS_TO_TXN, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART},
        {API_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS},
        {API_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE},
        {API_END_TXN, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS},
        {API_METADATA, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE},
        {API_FIND_COORDINATOR, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE},
    };
    struct rig *r = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err e = {0};
        rd_kafka_mock_push_request_errors(r->mock, rows[i].api, 2, rows[i].code, rows[i].code);
        if (!send_batch(r, &e))
            fail_msg("api %d, %s: %s", rows[i].api, rd_kafka_err2name(rows[i].code), e.text);
        rd_kafka_mock_clear_request_errors(r->mock, rows[i].api);
    }
    no_gap(r);
}

static void test_10_messages_that_time_out_are_sent_again(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    rd_kafka_mock_broker_push_request_error_rtts(
        r->mock, 1, API_PRODUCE, 2, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 3 * TRANSACTION_MS,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 3 * TRANSACTION_MS);
    if (!send_batch(r, &e)) fail_msg("%s", e.text);
    if (!send_batch(r, &e)) fail_msg("%s", e.text);
    assert_true(aborted(r) > 0);
    no_gap(r);
}

/* Rows are handed over until it shows that the first of them have timed out. */
static void test_10_an_abort_between_two_rows_sends_all_again(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    struct timespec pause = {0, 100000000};
    rd_kafka_mock_broker_push_request_error_rtts(
        r->mock, 1, API_PRODUCE, 2, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 3 * TRANSACTION_MS,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 3 * TRANSACTION_MS);
    while (aborted(r) == 0) {
        add_rows(r, LONG_BYTES);
        if (!outbox_send(r->outbox, &e)) fail_msg("%s", e.text);
        nanosleep(&pause, NULL);
    }
    add_rows(r, LONG_BYTES);
    if (!outbox_send(r->outbox, &e) || !commit(r, &e)) fail_msg("%s", e.text);
    no_gap(r);
}

static void test_rows_are_handed_over_before_the_commit(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    for (int i = 0; i < 3; i++) {
        add_rows(r, LONG_BYTES);
        assert_true(outbox_send(r->outbox, &e));
        if (i == 1) assert_true(commit(r, &e));
    }
    outbox_free(r->outbox);
    r->outbox = NULL;
    assert_true(aborted(r) == 1); /* the third batch, which nobody has committed */
    r->batch_n = 2;
    no_gap(r);
}

static void test_09_fenced_is_the_end(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    rd_kafka_mock_push_request_errors(r->mock, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    assert_false(send_batch(r, &e));
    assert_int_equal(e.status, ERR_FENCED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_09_request_errors_lose_no_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_09_fenced_is_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_10_messages_that_time_out_are_sent_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_10_an_abort_between_two_rows_sends_all_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_rows_are_handed_over_before_the_commit, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
