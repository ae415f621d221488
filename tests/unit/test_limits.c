/* The numbers of the configuration at their bounds: the bound itself is taken, one beyond it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/archiver.h"
#include "base/mem.h"
#include "count/count.h"
#include "count/op_count.h"
#include "flow/watermark.h"
#include "flow/window.h"
#include "rank/rank.h"
#include "recommend/recommend.h"

struct limit {
    const char *key;
    int64_t least, most;
    const char *unit; /* of a duration */
};

static const int64_t year_ms = INT64_C(31622400000);

static bool takes(const struct config_part *parts, const struct limit *l, int64_t value)
{
    char option[128];
    struct err e = {0};
    snprintf(option, sizeof option, "%s=%lld%s", l->key, (long long)value, l->unit);
    bool taken = config_option(parts, option, &e);
    assert_int_equal(e.status, taken ? ERR_NONE : ERR_REFUSED);
    return taken;
}

static void check(const struct config_row *rows, const struct limit *limits, size_t n)
{
    void *conf = mem_zero(1, 4096);
    const struct config_part parts[] = {{rows, conf}, {0}};
    struct err e = {0};
    assert_true(config_defaults(parts, &e));
    for (const struct limit *l = limits; l < limits + n; l++) {
        bool good = takes(parts, l, l->least) && takes(parts, l, l->most) &&
                    !takes(parts, l, l->least - 1) && !takes(parts, l, l->most + 1);
        if (!good) fail_msg("%s", l->key);
    }
    config_free(parts);
    free(conf);
}

#define CHECK(rows, ...)                                                                           \
    check(rows, (const struct limit[]){__VA_ARGS__},                                               \
          COUNT_OF(((const struct limit[]){__VA_ARGS__})))

static void of_times_and_windows(void **state)
{
    (void)state;
    CHECK(watermark_rows, {"time.delay", 0, year_ms, "ms"}, {"time.lateness", 0, year_ms, "ms"},
          {"time.idle.timeout", 0, year_ms, "ms"});
    CHECK(window_rows, {"window.size", 1, year_ms, "ms"}, {"window.slide", 1, year_ms, "ms"},
          {"window.n", 1, 10000, ""}, {"window.history", 1, 100000, ""});
}

static void of_the_stages(void **state)
{
    (void)state;
    CHECK(archiver_rows, {"batch.rows", 1, 50000, ""}, {"batch.interval", 1, 60000, "ms"});
    CHECK(count_rows, {"batch.interval", 1, 60000, "ms"}, {"batch.bytes", 1024, 2097152, ""},
          {"limits.skew", 1, 1000000, ""});
    CHECK(op_count_rows, {"weight.default", 0, 1000000, ""});
    CHECK(rank_rows, {"limits.memory", 1048576, INT64_C(4398046511104), ""});
    CHECK(recommend_rows, {"recommend.interval", 1, year_ms, "ms"}, {"recommend.k", 1, 200, ""},
          {"recommend.n", 1, 500, ""}, {"reward.default", 0, 1000000, ""},
          {"limits.rows", 1000, 100000000, ""}, {"limits.users", 1000, 100000000, ""});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_times_and_windows),
        cmocka_unit_test(of_the_stages),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
