/* Keys go where Java's producers put them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/sink_kafka.h"

/* The hashes of org.apache.kafka.common.utils.UtilsTest.testMurmur2. */
static const struct {
    const char *key;
    int32_t hash;
} known[] = {
    {"21", -973932308},
    {"foobar", -790332482},
    {"a-little-bit-long-string", -985981536},
    {"a-little-bit-longer-string", -1486304829},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
    {"abc", 479470107},
};

static void java_agrees(void **state)
{
    (void)state;
    const int32_t partition_ns[] = {1, 2, 3, 4, 7, 100, 1000003, INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        for (size_t j = 0; j < COUNT_OF(partition_ns); j++)
            assert_int_equal(sink_kafka_partition_of(str_of(known[i].key), partition_ns[j]),
                             (known[i].hash & INT32_MAX) % partition_ns[j]);
}

static void any_bytes_have_a_partition(void **state)
{
    (void)state;
    const char bytes[] = "\0\xff\x80\x7f\xfe\x01\0\0\xff";
    for (size_t len = 0; len < sizeof bytes; len++) {
        int32_t p = sink_kafka_partition_of((struct str){bytes, len}, 5);
        assert_in_range(p, 0, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(java_agrees),
        cmocka_unit_test(any_bytes_have_a_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
