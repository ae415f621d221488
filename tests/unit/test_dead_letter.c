/* Dead letters: what a person needs to find and mend a bad row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/dead_letter_json.h"

#define BYTES(literal) ((struct str){literal, sizeof(literal) - 1})

static void assert_letter(struct str source, struct str raw, const char *want)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    dead_letter_json(&out, "columns", source, raw);
    if (!str_eq(buf_str(&out), str_of(want)))
        fail_msg("%.*s is not %s", STR_ARGS(buf_str(&out)), want);
    buf_finish(&out);
}

static void letters(void **state)
{
    (void)state;
    /* base64: the vectors of RFC 4648, section 10, and bytes that are no text */
    const struct {
        struct str raw;
        const char *base64;
    } wants[] = {
        {BYTES(""), ""},
        {BYTES("f"), "Zg=="},
        {BYTES("fo"), "Zm8="},
        {BYTES("foo"), "Zm9v"},
        {BYTES("foob"), "Zm9vYg=="},
        {BYTES("fooba"), "Zm9vYmE="},
        {BYTES("foobar"), "Zm9vYmFy"},
        {BYTES("\0\xff\xfb\xf0"), "AP/78A=="},
        {{0}, ""},
    };
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        char want[200];
        snprintf(want, sizeof want,
                 "{\"reason\":\"columns\",\"source\":\"1:0:7:2\",\"bytes\":%zu,\"base64\":\"%s\"}",
                 wants[i].raw.len, wants[i].base64);
        assert_letter(str_of("1:0:7:2"), wants[i].raw, want);
    }
}

static void sources_are_any_bytes(void **state)
{
    (void)state;
    assert_letter(
        BYTES("a\"b\xff.csv:3"), str_of("f"),
        "{\"reason\":\"columns\",\"source\":\"a\\\"b?.csv:3\",\"bytes\":1,\"base64\":\"Zg==\"}");
}

static void long_rows_are_cut(void **state)
{
    (void)state;
    static char raw[100000];
    struct buf out;
    buf_init(&out, 1 << 20);
    dead_letter_json(&out, "long", str_of("x:1"), (struct str){raw, sizeof raw});
    assert_false(out.overflow);
    assert_in_range(out.len, 65536 / 3 * 4, 65536 / 3 * 4 + 200);
    buf_add(&out, "", 1);
    assert_non_null(strstr(out.at, "\"bytes\":100000,"));
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters),
        cmocka_unit_test(sources_are_any_bytes),
        cmocka_unit_test(long_rows_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
