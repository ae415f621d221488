/* Source and sink against librdkafka's own mock cluster: what real brokers rarely answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/pairs.h"
#include "io/sink_kafka.h"
#include "io/source_kafka.h"

enum {
    PARTITION_N = 2,
    RECORD_N = 1000, /* per partition */
    DEADLINE_MS = 30000,
    API_FETCH = 1,
    API_LIST_OFFSETS = 2,
    API_OFFSET_COMMIT = 8,
    API_OFFSET_FETCH = 9,
    API_FIND_COORDINATOR = 10,
    API_JOIN_GROUP = 11,
    API_ADD_OFFSETS_TO_TXN = 25,
    API_END_TXN = 26,
    API_TXN_OFFSET_COMMIT = 28,
};

struct cluster {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *mock;
    struct conf_kafka conf;
    struct metrics *metrics;
};

/* --- a stage that checks order and remembers ------------------------------------------------------------ */

struct reader {
    struct source *source;
    int64_t next[PARTITION_N], n;
    char metadata[PARTITION_N][CHECKPOINT_METADATA_BYTES];
    int assigned_n, revoked_n, lost_n;
    bool holds[PARTITION_N]; /* not wanted */
    bool ended[PARTITION_N];
};

static bool assigned(void *self, struct checkpoint *parts, size_t n, struct err *e)
{
    struct reader *r = self;
    assert_int_equal(n, PARTITION_N);
    for (size_t i = 0; i < n; i++) {
        int32_t p = parts[i].partition;
        memcpy(r->metadata[p], parts[i].metadata, sizeof r->metadata[p]);
        for (int tries = 0; parts[i].offset == CHECKPOINT_NONE && tries < 5; tries++) {
            *e = (struct err){0};
            parts[i].offset = source_first_offset(r->source, p, e);
        }
        r->next[p] = parts[i].offset;
        r->ended[p] = false;
    }
    r->assigned_n++;
    return true;
}

static bool revoked(void *self, bool lost, struct err *e)
{
    (void)e;
    struct reader *r = self;
    r->revoked_n++;
    r->lost_n += lost;
    return true;
}

static bool record(void *self, const struct record *m, struct err *e)
{
    struct reader *r = self;
    if (m->offset != r->next[m->partition]) return err_set(e, "a hole at %d", (int)m->offset);
    assert_false(r->holds[m->partition]);
    r->next[m->partition]++;
    r->n++;
    return true;
}

static void end(void *self, int32_t partition, int64_t offset)
{
    struct reader *r = self;
    assert_int_equal(offset, r->next[partition]);
    r->ended[partition] = true;
}

static bool wants(void *self, int32_t partition)
{
    struct reader *r = self;
    return !r->holds[partition];
}

static struct stage stage_of(struct reader *r)
{
    return (struct stage){r, assigned, revoked, record, end, wants, NULL};
}

typedef bool condition(const struct reader *r);

/* Goes round until the condition holds. */
static void run(struct reader *r, condition *done)
{
    struct stage stage = stage_of(r);
    struct err e = {0};
    int64_t deadline_ms = clock_now_ms() + DEADLINE_MS;
    while (!done(r)) {
        assert_true(clock_now_ms() < deadline_ms);
        bool ok =
            source_poll(r->source, &stage, 100, &e) && source_read(r->source, &stage, 300, &e);
        if (!ok) fail_msg("%s", e.text);
    }
}

static bool at_end(const struct reader *r)
{
    return r->ended[0] && r->ended[1];
}

static bool first_at_end(const struct reader *r)
{
    return r->ended[0];
}

static bool assigned_twice(const struct reader *r)
{
    return r->assigned_n == 2;
}

static enum commit commit(struct reader *r, struct err *e)
{
    struct checkpoint parts[PARTITION_N] = {{0}};
    for (int32_t p = 0; p < PARTITION_N; p++) {
        parts[p].partition = p;
        parts[p].offset = r->next[p];
        snprintf(parts[p].metadata, sizeof parts[p].metadata, "v=1 next=%d", (int)r->next[p]);
    }
    return source_commit(r->source, parts, PARTITION_N, e);
}

/* --- cluster and members -------------------------------------------------------------------------------- */

static void fill(struct cluster *c)
{
    struct err e = {0};
    struct sink_kafka_spec spec = {.kafka = &c->conf};
    struct sink_kafka *sink = sink_kafka_new(&spec, &e);
    assert_non_null(sink);
    for (int i = 0; i < RECORD_N * PARTITION_N; i++) {
        struct sink_kafka_message m = {.topic = "events",
                                       .partition = i % PARTITION_N,
                                       .value = str_of("1,2,3,pv,1511544070")};
        assert_int_equal(sink_kafka_put(sink, &m, &e), TXN_DONE);
    }
    assert_true(sink_kafka_flush(sink, DEADLINE_MS, NULL, &e));
    sink_kafka_free(sink);
}

static int open_cluster(void **state)
{
    struct cluster *c = mem_zero(1, sizeof *c);
    char text[200];
    c->rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    c->mock = rd_kafka_mock_cluster_new(c->rk, 1);
    rd_kafka_mock_topic_create(c->mock, "events", PARTITION_N, 1);
    pairs_set(&c->conf.pairs, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(c->mock));
    c->metrics = metrics_new();
    fill(c);
    *state = c;
    return 0;
}

static int close_cluster(void **state)
{
    struct cluster *c = *state;
    rd_kafka_mock_cluster_destroy(c->mock);
    rd_kafka_destroy(c->rk);
    pairs_finish(&c->conf.pairs);
    metrics_free(c->metrics);
    free(c);
    return 0;
}

static struct reader join(struct cluster *c, const char *group)
{
    static const struct source_kafka_conf conf = {"earliest", 6000};
    struct source_kafka_spec spec = {&c->conf, &conf, "events", group, NULL, c->metrics};
    struct err e = {0};
    struct reader r = {.source = source_kafka_new(&spec, &e)};
    assert_non_null(r.source);
    return r;
}

static void part(struct reader *r)
{
    struct stage stage = stage_of(r);
    struct err e = {0};
    int before = r->revoked_n;
    assert_true(source_leave(r->source, &stage, &e));
    assert_int_equal(r->revoked_n, before + 1);
    source_free(r->source);
}

/* --- the tests ------------------------------------------------------------------------------------------- */

static void every_record_once_and_resumed(void **state)
{
    struct reader r = join(*state, "resume");
    struct err e = {0};
    r.holds[1] = true;
    run(&r, first_at_end);
    assert_int_equal(r.next[0], RECORD_N);
    assert_int_equal(r.next[1], 0);
    assert_int_equal(commit(&r, &e), COMMIT_DONE);
    part(&r);

    struct reader s = join(*state, "resume");
    run(&s, at_end);
    assert_int_equal(s.n, RECORD_N);
    assert_string_equal(s.metadata[0], "v=1 next=1000");
    assert_string_equal(s.metadata[1], "v=1 next=0");
    assert_int_equal(source_partition_n(s.source), PARTITION_N);
    part(&s);
}

static void a_reload_reads_again(void **state)
{
    struct reader r = join(*state, "reload");
    struct err e = {0};
    run(&r, at_end);
    assert_true(source_reload(r.source, &e));
    run(&r, assigned_twice);
    assert_true(r.revoked_n == 1 && r.lost_n == 1);
    run(&r, at_end);
    assert_int_equal(r.n, 2 * PARTITION_N * RECORD_N);
    part(&r);
}

static void commits_are_classified(void **state)
{
    struct cluster *c = *state;
    struct reader r = join(c, "commits");
    struct err e = {0};
    run(&r, at_end);
    rd_kafka_mock_push_request_errors(c->mock, API_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
    assert_int_equal(commit(&r, &e), COMMIT_FAILED);
    assert_int_equal(e.status, ERR_FAILED);
    e = (struct err){0};
    assert_int_equal(commit(&r, &e), COMMIT_DONE);
    rd_kafka_mock_push_request_errors(c->mock, API_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    assert_int_equal(commit(&r, &e), COMMIT_REFUSED);
    assert_int_equal(e.status, ERR_NONE);
    run(&r, assigned_twice); /* thrown out, and back */
    assert_int_equal(r.lost_n, 1);
    part(&r);
}

static void foreign_metadata_is_refused(void **state)
{
    struct cluster *c = *state;
    struct err e = {0};
    struct reader r = join(c, "foreign");
    struct stage stage = stage_of(&r);
    run(&r, at_end);
    struct checkpoint bad = {.partition = 0, .offset = 5, .metadata = "a\tb"};
    assert_int_equal(source_commit(r.source, &bad, 1, &e), COMMIT_DONE);
    assert_true(source_reload(r.source, &e));
    int64_t deadline_ms = clock_now_ms() + DEADLINE_MS;
    while (source_poll(r.source, &stage, 10, &e)) assert_true(clock_now_ms() < deadline_ms);
    assert_int_equal(e.status, ERR_REFUSED);
    source_free(r.source);
}

static enum txn transact(struct sink_kafka *sink, struct reader *r, struct err *e)
{
    struct sink_kafka_message m = {.topic = "out", .partition = 0, .value = str_of("batch")};
    struct checkpoint part = {.partition = 0, .offset = r->next[0], .metadata = "v=1"};
    enum txn result = sink_kafka_begin(sink, e);
    if (result == TXN_DONE) result = sink_kafka_put(sink, &m, e);
    if (result == TXN_DONE) result = sink_kafka_offsets(sink, r->source, &part, 1, e);
    if (result == TXN_DONE) result = sink_kafka_commit(sink, e);
    return result;
}

static void transactions_end_in_three_ways(void **state)
{
    struct cluster *c = *state;
    struct err e = {0};
    rd_kafka_mock_topic_create(c->mock, "out", 1, 1);
    struct sink_kafka_spec spec = {&c->conf, "count-0", 6000, c->metrics};
    struct sink_kafka *sink = sink_kafka_new(&spec, &e);
    assert_non_null(sink);
    struct reader r = join(c, "transactions");
    run(&r, at_end);
    assert_int_equal(transact(sink, &r, &e), TXN_DONE);

    rd_kafka_mock_push_request_errors(c->mock, API_TXN_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    assert_int_equal(transact(sink, &r, &e), TXN_ABORTED);
    assert_int_equal(e.status, ERR_NONE);
    assert_int_equal(transact(sink, &r, &e), TXN_DONE);

    rd_kafka_mock_push_request_errors(c->mock, API_END_TXN, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    assert_int_equal(transact(sink, &r, &e), TXN_FAILED);
    assert_int_equal(e.status, ERR_FENCED);
    sink_kafka_free(sink);
    part(&r);
}

static const struct {
    int16_t api;
    rd_kafka_resp_err_t code;
} request_errors[] = {
    {API_FETCH, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION},
    {API_FETCH, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT},
    {API_LIST_OFFSETS, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION},
    {API_OFFSET_FETCH, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS},
    {API_OFFSET_FETCH, RD_KAFKA_RESP_ERR_NOT_COORDINATOR},
    {API_FIND_COORDINATOR, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE},
    {API_JOIN_GROUP, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT},
    {API_ADD_OFFSETS_TO_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS},
    {API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS},
    {API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED},
};

static void push_request_errors(struct cluster *c)
{
    for (size_t i = 0; i < COUNT_OF(request_errors); i++)
        rd_kafka_mock_push_request_errors(c->mock, request_errors[i].api, 1,
                                          request_errors[i].code);
}

/* No hole and nothing twice (the stage checks), and both kinds of commit get through in the end. */
static void test_09_request_errors_are_retried(void **state)
{
    struct cluster *c = *state;
    struct err e = {0};
    push_request_errors(c);
    struct sink_kafka_spec spec = {
        .kafka = &c->conf, .transactional_id = "count-9", .transaction_ms = 6000};
    struct sink_kafka *sink = sink_kafka_new(&spec, &e);
    assert_non_null(sink);
    struct reader r = join(c, "errors");
    run(&r, at_end);
    assert_int_equal(r.n, PARTITION_N * RECORD_N);
    enum commit committed = COMMIT_FAILED;
    for (int tries = 0; committed == COMMIT_FAILED && tries < 5; tries++) {
        e = (struct err){0};
        committed = commit(&r, &e);
    }
    assert_int_equal(committed, COMMIT_DONE);
    enum txn done = TXN_ABORTED;
    for (int tries = 0; done == TXN_ABORTED && tries < 5; tries++) done = transact(sink, &r, &e);
    assert_int_equal(done, TXN_DONE);
    assert_true(r.assigned_n == 1 && r.lost_n == 0);
    sink_kafka_free(sink);
    part(&r);
}

static void settings_are_guarded(void **state)
{
    (void)state;
    const struct {
        const char *name, *value, *says;
    } rows[] = {
        {"acks", "1", "set by Weir"},
        {"isolation.level", "read_uncommitted", "set by Weir"},
        {"group.id", "other", "set by Weir"},
        {"sasl.password", "hunter2", "password_file"},
        {"ack", "all", "ack"},
        {"fetch.wait.max.ms", "often", "fetch.wait.max.ms"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct conf_kafka conf = {0};
        struct err e = {0};
        pairs_set(&conf.pairs, "bootstrap.servers", "127.0.0.1:1");
        pairs_set(&conf.pairs, rows[i].name, rows[i].value);
        assert_null(conf_kafka_make(&conf, false, &e));
        assert_int_equal(e.status, ERR_REFUSED);
        assert_non_null(strstr(e.text, rows[i].says));
        assert_null(strstr(e.text, "hunter2"));
        pairs_finish(&conf.pairs);
    }
    struct err e = {0};
    assert_null(conf_kafka_make(&(struct conf_kafka){0}, true, &e));
    assert_non_null(strstr(e.text, "bootstrap.servers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_once_and_resumed),
        cmocka_unit_test(a_reload_reads_again),
        cmocka_unit_test(commits_are_classified),
        cmocka_unit_test(foreign_metadata_is_refused),
        cmocka_unit_test(transactions_end_in_three_ways),
        cmocka_unit_test(test_09_request_errors_are_retried),
        cmocka_unit_test(settings_are_guarded),
    };
    return cmocka_run_group_tests(tests, open_cluster, close_cluster);
}
