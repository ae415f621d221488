/* The topic weir-state: the newest value of a key, and epochs, from whatever stands there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "io/scan_kafka.h"
#include "io/sink_kafka.h"
#include "io/state_kafka.h"

/* --- stands in for io/scan_kafka.c: a topic of so many partitions, with records from offset 0 on ------------- */

enum { RECORDS_MAX = 3000 };

static struct {
    size_t partition_n, n, read_n;
    struct record at[RECORDS_MAX]; /* all keys and values: ref in the test */
} topic;

struct scan_kafka *scan_kafka_new(const struct conf_kafka *conf, struct err *e)
{
    (void)conf, (void)e;
    return (struct scan_kafka *)&topic;
}

void scan_kafka_free(struct scan_kafka *s)
{
    (void)s;
}

bool scan_kafka_parts(struct scan_kafka *s, const char *name, struct scan_kafka_part **ret_parts,
                      size_t *ret_n, struct err *e)
{
    (void)s, (void)e;
    assert_string_equal(name, "weir-state");
    *ret_n = topic.partition_n;
    *ret_parts = mem_zero(topic.partition_n, sizeof **ret_parts);
    for (size_t i = 0; i < topic.partition_n; i++)
        (*ret_parts)[i] =
            (struct scan_kafka_part){.end = (int64_t)topic.n, .high = (int64_t)topic.n};
    return true;
}

bool scan_kafka_read(struct scan_kafka *s, const char *name, const struct scan_kafka_part *parts,
                     size_t n, scan_kafka_record *record, void *ctx, struct err *e)
{
    (void)s, (void)name, (void)e;
    assert_int_equal(n, 1);
    for (int64_t i = parts->from; i < parts->end; i++, topic.read_n++)
        if (!record(ctx, &topic.at[i])) break;
    return true;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static const struct conf_kafka kafka;
static const struct topics_kafka_conf topics = {.prefix = "weir"};

static void put(const char *key, struct str value)
{
    assert_in_range(topic.n, 0, RECORDS_MAX - 1);
    topic.at[topic.n] = (struct record){.key = str_of(key), .value = value};
    topic.n++;
}

static int begin(void **unused)
{
    (void)unused;
    memset(&topic, 0, sizeof topic);
    topic.partition_n = 1;
    return 0;
}

static bool epoch(int64_t *ret_epoch)
{
    struct err e = {0};
    bool good = state_kafka_epoch(&kafka, &topics, "ranking", ret_epoch, &e);
    assert_int_equal(e.status, good ? ERR_NONE : ERR_REFUSED);
    return good;
}

static void reads(const char *key, const char *want)
{
    struct buf value;
    struct err e = {0};
    buf_init(&value, 8);
    assert_true(state_kafka_read(&kafka, &topics, str_of(key), &value, &e));
    assert_true(str_eq(buf_str(&value), str_of(want)));
    buf_finish(&value);
}

static void the_newest_value_counts(void **unused)
{
    (void)unused;
    reads("a", "");
    put("a", str_of("old"));
    put(NULL, str_of("no key"));
    put("a", str_of("new"));
    put("aa", str_of("other"));
    put("b", str_of("gone"));
    put("b", (struct str){0});
    reads("a", "new");
    reads("b", "");
    reads("c", "");
}

static void old_keys_are_found_behind_many_others(void **unused)
{
    (void)unused;
    put("a", str_of("x"));
    while (topic.n < RECORDS_MAX) put("busy", str_of("y"));
    reads("a", "x");
    topic.read_n = 0;
    reads("busy", "y");
    assert_in_range(topic.read_n, 1, 300); /* without reading all */
}

static void strange_topics_are_refused(void **unused)
{
    (void)unused;
    struct buf value;
    struct err e = {0}, e2 = {0};
    buf_init(&value, 8);
    put("a", str_of("123456789"));
    assert_false(state_kafka_read(&kafka, &topics, str_of("a"), &value, &e));
    assert_non_null(strstr(e.text, "more than 8 bytes"));
    topic.partition_n = 2;
    assert_false(state_kafka_read(&kafka, &topics, str_of("a"), &value, &e2));
    assert_non_null(strstr(e2.text, "2 partitions"));
    buf_finish(&value);
}

static void test_34_epoch(void **unused)
{
    (void)unused;
    int64_t found = 0;
    struct buf record = golden_read("epoch-1");
    assert_true(epoch(&found) && found == 1);
    put("epoch:ranking", buf_str(&record));
    put("epoch:source", str_of("9"));
    assert_true(epoch(&found) && found == 3);
    buf_finish(&record);
}

/* A decimal number has no checksum: what is no number, or none that an epoch can be, is refused. */
static void test_33_epochs(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "0",
        "-1",
        "x",
        "1 ",
        " 1",
        "1.0",
        "+1",
        "v=1",
        "9223372036854775808",
        "\xff",
        "000000000000000000000000000000001" /* too long */,
    };
    int64_t found;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        put("epoch:ranking", str_of(bad[i]));
        if (epoch(&found)) fail_msg("taken: %s", bad[i]);
    }
    put("epoch:ranking", (struct str){"3\0", 2});
    assert_false(epoch(&found));
    for (int bit = 0; bit < 8; bit++) {
        char digit = (char)('3' ^ 1 << bit);
        put("epoch:ranking", (struct str){&digit, 1});
        assert_int_equal(epoch(&found), digit >= '1' && digit <= '9');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_newest_value_counts, begin),
        cmocka_unit_test_setup(old_keys_are_found_behind_many_others, begin),
        cmocka_unit_test_setup(strange_topics_are_refused, begin),
        cmocka_unit_test_setup(test_34_epoch, begin),
        cmocka_unit_test_setup(test_33_epochs, begin),
    };
    return cmocka_run_group_tests_name("state_kafka", tests, NULL, NULL);
}
