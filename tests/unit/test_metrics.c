/* Metrics as Prometheus reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/metrics.h"

static void assert_rendered(struct metrics *m, const char *want)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    metrics_render(m, &out);
    buf_add(&out, "", 1);
    assert_string_equal(out.at, want);
    buf_finish(&out);
}

static void counters_and_gauges(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct metric *time = metrics_counter(m, "bad_total", "reason=\"time\"", "Bad rows.");
    struct metric *lag = metrics_gauge(m, "lag", "", "Lag.");
    struct metric *user = metrics_counter(m, "bad_total", "reason=\"user\"", "Bad rows.");
    assert_ptr_equal(metrics_counter(m, "bad_total", "reason=\"time\"", "Bad rows."), time);
    metrics_add(time, 2);
    metrics_add(time, 0);
    metrics_add(user, 1);
    metrics_set(lag, -7);
    metrics_add(lag, -1);
    assert_int_equal(metrics_value(time), 2);
    assert_int_equal(metrics_value(lag), -8);
    assert_rendered(m, "# HELP weir_bad_total Bad rows.\n"
                       "# TYPE weir_bad_total counter\n"
                       "weir_bad_total{reason=\"time\"} 2\n"
                       "weir_bad_total{reason=\"user\"} 1\n"
                       "# HELP weir_lag Lag.\n"
                       "# TYPE weir_lag gauge\n"
                       "weir_lag -8\n");
    metrics_free(m);
    metrics_free(NULL);
}

static void histogram(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct metric *h = metrics_histogram(m, "flush_seconds", "to=\"x\"", "Flushes.");
    static const int64_t us[] = {0, 500, 501, 1000000, 30000000, 30000001, -5};
    for (size_t i = 0; i < COUNT_OF(us); i++) metrics_observe_us(h, us[i]);
    assert_int_equal(metrics_value(h), 7);
    assert_rendered(m, "# HELP weir_flush_seconds Flushes.\n"
                       "# TYPE weir_flush_seconds histogram\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.00005\"} 2\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.0001\"} 2\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.00025\"} 2\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.0005\"} 3\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.001\"} 4\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.0025\"} 4\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.005\"} 4\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.01\"} 4\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.025\"} 4\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.05\"} 4\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.1\"} 4\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.25\"} 4\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"0.5\"} 4\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"1\"} 5\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"2.5\"} 5\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"5\"} 5\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"10\"} 5\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"30\"} 6\n"
                       "weir_flush_seconds_bucket{to=\"x\",le=\"+Inf\"} 7\n"
                       "weir_flush_seconds_sum{to=\"x\"} 61.001002\n"
                       "weir_flush_seconds_count{to=\"x\"} 7\n");
    metrics_free(m);
}

static void bare_histogram(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    metrics_histogram(m, "h", "", "H.");
    struct buf out;
    buf_init(&out, 10000);
    metrics_render(m, &out);
    buf_add(&out, "", 1);
    assert_non_null(strstr(out.at, "\nweir_h_bucket{le=\"0.0005\"} 0\n"));
    assert_non_null(strstr(out.at, "\nweir_h_sum 0.000000\nweir_h_count 0\n"));
    buf_finish(&out);
    metrics_free(m);
}

/* One thread registers and counts while another renders. */
static void *count(void *metrics)
{
    for (int i = 0; i < 2000; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "partition=\"%d\"", i % 50);
        metrics_add(metrics_counter(metrics, "rows_total", labels, "Rows."), 1);
        metrics_observe_us(metrics_histogram(metrics, "s", "", "S."), i);
    }
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, count, m), 0);
    struct buf out;
    buf_init(&out, 1 << 20);
    for (int i = 0; i < 200; i++) {
        buf_clear(&out);
        metrics_render(m, &out);
        assert_false(out.overflow);
    }
    pthread_join(writer, NULL);
    int64_t sum = 0;
    for (int i = 0; i < 50; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "partition=\"%d\"", i);
        sum += metrics_value(metrics_counter(m, "rows_total", labels, "Rows."));
    }
    assert_int_equal(sum, 2000);
    assert_int_equal(metrics_value(metrics_histogram(m, "s", "", "S.")), 2000);
    buf_finish(&out);
    metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges),
        cmocka_unit_test(histogram),
        cmocka_unit_test(bare_histogram),
        cmocka_unit_test(threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
