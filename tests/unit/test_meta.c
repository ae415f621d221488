/* Commit metadata: what is written is read, anything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/meta.h"

struct sample {
    int64_t clock, line, done;
    struct meta_field fields[3];
};

static void point(struct sample *s)
{
    const struct meta_field fields[] = {
        {"clock", &s->clock}, {"line", &s->line}, {"done", &s->done}};
    memcpy(s->fields, fields, sizeof fields);
}

static void round_trip(void **state)
{
    (void)state;
    static const int64_t values[] = {
        0, 1, -1, 1511544070000, INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX - 1};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        char text[CHECKPOINT_METADATA_BYTES];
        struct err e = {0};
        struct sample in = {.clock = values[i], .line = 7, .done = values[i]}, out = {.clock = 42};
        point(&in);
        point(&out);
        meta_write(text, 3, in.fields, COUNT_OF(in.fields));
        assert_true(meta_read(text, 3, out.fields, COUNT_OF(out.fields), &e));
        assert_true(out.clock == in.clock && out.line == in.line && out.done == in.done);
    }
}

static void texts(void **state)
{
    (void)state;
    char text[CHECKPOINT_METADATA_BYTES];
    struct sample s = {.clock = 1511544070000, .line = INT64_MIN, .done = INT64_MAX};
    point(&s);
    meta_write(text, 1, s.fields, 3);
    assert_string_equal(text, "v=1 clock=1511544070000 line=- done=+");
    meta_write(text, 1, s.fields, 0);
    assert_string_equal(text, "v=1");
}

static void refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "v=1",
        "v=1 ",
        "v=2 clock=1 line=2 done=3",
        "v= clock=1 line=2 done=3",
        "clock=1 line=2 done=3",
        "v=1 clock=1 line=2",
        "v=1 clock=1 line=2 done=3 more=4",
        "v=1 clock=1 line=2 done=3 ",
        " v=1 clock=1 line=2 done=3",
        "v=1  clock=1 line=2 done=3",
        "v=1 line=2 clock=1 done=3",
        "v=1 clock=1 lime=2 done=3",
        "v=1 clock line=2 done=3",
        "v=1 clock= line=2 done=3",
        "v=1 clock=x line=2 done=3",
        "v=1 clock=1 line=2 done=--",
        "v=1 clock=1 line=2 done=9223372036854775808",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct sample s = {0};
        struct err e = {0};
        point(&s);
        if (meta_read(bad[i], 1, s.fields, 3, &e)) fail_msg("\"%s\" is read", bad[i]);
        assert_int_equal(e.status, ERR_REFUSED);
        assert_non_null(strstr(e.text, bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(texts),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
