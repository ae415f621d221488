/* How long a reader sleeps, and when it asks: librdkafka's two answers and poll() are doubles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>

#include "io/fetch_kafka.h"

static int64_t end;      /* of every partition, as the brokers told it */
static int slept_ms;     /* in the last sleep */
static bool record_came; /* in the next one */
static int question_n;

rd_kafka_resp_err_t rd_kafka_get_watermark_offsets(rd_kafka_t *rk, const char *topic,
                                                   int32_t partition, int64_t *ret_low,
                                                   int64_t *ret_high)
{
    (void)rk;
    (void)topic;
    (void)partition;
    *ret_low = 0;
    *ret_high = end;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t
rd_kafka_offsets_for_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
    (void)rk;
    assert_int_equal(timeout_ms, 0);
    assert_int_equal(list->cnt, 2);
    assert_string_equal(list->elems[1].topic, "events");
    assert_int_equal(list->elems[1].partition, 3);
    question_n++;
    return RD_KAFKA_RESP_ERR__TIMED_OUT;
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    assert_int_equal(n, 1);
    assert_int_equal(fds->events, POLLIN);
    slept_ms = timeout_ms;
    return record_came;
}

static bool wants(void *self, int32_t partition)
{
    return partition == *(const int32_t *)self;
}

static int32_t wanted;
static const struct stage stage = {.self = &wanted, .wants = wants};
static const struct partition_kafka parts[] = {{.id = 1, .next = 10}, {.id = 3, .next = 90}};
static const struct fetch_kafka_of of = {NULL, "events", parts, 2, &stage};

/* -> how long it slept. */
static int sleep_of(struct fetch_kafka *f, int64_t wait_ms)
{
    enum { NO_FD = -1 };
    fetch_kafka_sleep(f, &of, NO_FD, wait_ms);
    return slept_ms;
}

static void who_is_at_the_end_sleeps_and_asks_nobody(void **state)
{
    (void)state;
    struct fetch_kafka f = {0};
    question_n = 0;
    wanted = 3;
    for (end = 89; end <= 91; end++) /* 90 is the marker of a transaction */
        assert_int_equal(sleep_of(&f, 100), 100);
    end = 92;
    wanted = 2;
    assert_int_equal(sleep_of(&f, 100), 100);
    wanted = 3;
    assert_int_equal(sleep_of(&f, 0), 0);
    assert_int_equal(sleep_of(&f, -1), 0);
    assert_int_equal(question_n, 0);
}

static void who_is_behind_naps_and_asks_less_and_less(void **state)
{
    (void)state;
    static const int naps_ms[] = {5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000};
    struct fetch_kafka f = {0};
    question_n = 0;
    wanted = 1;
    end = 12;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(sleep_of(&f, 2000), naps_ms[i]);
        assert_int_equal(question_n, i + 1);
    }
    assert_int_equal(sleep_of(&f, 100),
                     100); /* woken for something else, it has not waited long enough */
    assert_int_equal(question_n, 10);
    record_came = true;
    assert_int_equal(sleep_of(&f, 2000), 1000);
    record_came = false;
    assert_int_equal(question_n, 10);
    assert_int_equal(sleep_of(&f, 2000), 5);
    assert_int_equal(question_n, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_at_the_end_sleeps_and_asks_nobody),
        cmocka_unit_test(who_is_behind_naps_and_asks_less_and_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
