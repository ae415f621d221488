/* Requests to the inference service: a table of good ones, a table of bad ones, every
 * truncation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "infer/contract_json.h"

static void good(void **state)
{
    (void)state;
    struct contract_json_request r;
    const char *wrong;
    const char body[] = "{\"user\":[1,\"u\"],\"item\":[[3,\"a\"],[]],\"n_rec\":8,\"exclude\":[[],["
                        "\"\\u5546\",-4]],\"x\":{}}";
    assert_true(contract_json_read(&r, str_of(body), &wrong));
    assert_int_equal(r.users_n, 2);
    assert_int_equal(r.n_rec, 8);
    assert_true(r.integers);
    assert_int_equal(r.users[0].items_n, 2);
    assert_true(str_eq(r.users[0].items[0], str_of("3")));
    assert_true(str_eq(r.users[0].items[1], str_of("a")));
    assert_int_equal(r.users[0].exclude_n, 0);
    assert_int_equal(r.users[1].items_n, 0);
    assert_true(str_eq(r.users[1].exclude[0], str_of("\xe5\x95\x86")));
    assert_true(str_eq(r.users[1].exclude[1], str_of("-4")));
    contract_json_finish(&r);
    assert_true(contract_json_read(&r, str_of("{\"user\":[],\"item\":[],\"n_rec\":1}"), &wrong));
    assert_int_equal(r.users_n, 0);
    contract_json_finish(&r);
}

/* In any order, with blanks and escapes, among members that are ignored. */
static void unusual(void **state)
{
    (void)state;
    struct contract_json_request r;
    const char *wrong;
    const char body[] = " { \"x\" : [ { \"y\" : -1.5e+3 } , null , \"\" ] ,\r\n\t\"item\":[ [ -0 , "
                        "\"\\ud83d\\ude00\\/\\\"\" ] ] , \"reconsume\":true,\"scores\" : false,"
                        "\"n_r\\u0065c\":500, \"user\" : [ \"\\u00E9t\\u00e9\" ]\n} ";
    assert_true(contract_json_read(&r, str_of(body), &wrong));
    assert_true(r.users_n == 1 && r.n_rec == 500 && r.reconsume && !r.scores);
    assert_true(str_eq(r.users[0].id, str_of("\xc3\xa9t\xc3\xa9")));
    assert_int_equal(r.users[0].items_n, 2);
    assert_true(str_eq(r.users[0].items[0], str_of("0")));
    assert_true(str_eq(r.users[0].items[1], str_of("\xf0\x9f\x98\x80/\"")));
    contract_json_finish(&r);
}

static void answer_is(const char *body, const char *want)
{
    struct contract_json_request r;
    const char *wrong;
    struct buf b;
    buf_init(&b, 100);
    assert_true(contract_json_read(&r, str_of(body), &wrong));
    contract_json_id(&b, &r, str_of("17"));
    contract_json_id(&b, &r, str_of("x"));
    assert_true(str_eq(buf_str(&b), str_of(want)));
    contract_json_finish(&r);
    buf_finish(&b);
}

static void answers_in_the_type_of_the_request(void **state)
{
    (void)state;
    answer_is("{\"user\":[\"1\"],\"item\":[[\"2\"]],\"n_rec\":1}", "\"17\"\"x\"");
    answer_is("{\"user\":[\"1\"],\"item\":[[2]],\"n_rec\":1}", "17\"x\"");
    answer_is("{\"user\":[1],\"item\":[[]],\"n_rec\":1}", "17\"x\"");
}

static void refuse(const char *body)
{
    struct contract_json_request r;
    const char *wrong = NULL;
    if (contract_json_read(&r, str_of(body), &wrong)) fail_msg("taken: %.200s", body);
    assert_non_null(wrong);
}

static void bad(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "{}",
        "x",
        "{\"user\":[1],\"item\":[[1]]}",
        "{\"user\":1,\"item\":[[1]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[1],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[1],[2]],\"n_rec\":1}",
        "{\"user\":[1,2],\"item\":[[1]],\"n_rec\":1}",
        "{\"user\":[1],\"n_rec\":1}",
        "{\"item\":[[1]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":0}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1001}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":-1}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1.0}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":\"1\"}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1e999}",
        "{\"user\":[1],\"item\":[[1.5]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[null]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[\"\"]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[\"a\\u0007\"]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[99999999999999999999]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[[1]]],\"n_rec\":1}",
        "{\"user\":[null],\"item\":[[1]],\"n_rec\":1}",
        "{\"user\":[1],\"user\":[1],\"item\":[[1]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,\"exclude\":null}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,\"exclude\":[]}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,\"exclude\":[1]}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1} {}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,}",
        "{\"user\":[1],\"item\":[[1,]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[,1]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[1 2]],\"n_rec\":1}",
        "{\"user\":[01],\"item\":[[1]],\"n_rec\":1}",
        "{\"user\":[-],\"item\":[[1]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[\"\\q\"]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[\"\\u12g4\"]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[\"\\ud83d\"]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[\"\\ude00\\ud83d\"]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[\"a\nb\"]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[\"\xff\"]],\"n_rec\":1}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,\"x\":1.}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,\"x\":tru}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,\"x\":{1:2}}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,\"x\":[[[1]]]}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,\"scores\":1}",
        "{\"user\":[1],\"item\":[[1]],\"n_rec\":1,\"us\\u0065r\":[1]}",
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) refuse(bodies[i]);
}

static void truncated(void **state)
{
    (void)state;
    const char body[] =
        "{\"user\":[1,\"u\"],\"item\":[[3,\"a\"],[]],\"n_rec\":8,\"exclude\":[[],[\"\\u5546\"]]}";
    for (size_t len = 0; len < strlen(body); len++) {
        char *part = strndup(body, len);
        refuse(part);
        free(part);
    }
}

/* A body with as many users, and as many items of the first one. */
static bool takes(size_t users_n, size_t items_n, const char *item)
{
    struct buf b;
    struct contract_json_request r;
    const char *wrong;
    buf_init(&b, 1 << 22);
    buf_printf(&b, "{\"n_rec\":1,\"user\":[");
    for (size_t i = 0; i < users_n; i++) buf_printf(&b, "%s1", i ? "," : "");
    buf_printf(&b, "],\"item\":[");
    for (size_t i = 0; i < users_n; i++) {
        buf_printf(&b, "%s[", i ? "," : "");
        for (size_t j = 0; i == 0 && j < items_n; j++) buf_printf(&b, "%s%s", j ? "," : "", item);
        buf_printf(&b, "]");
    }
    buf_printf(&b, "]}");
    bool taken = contract_json_read(&r, buf_str(&b), &wrong);
    if (taken) contract_json_finish(&r);
    buf_finish(&b);
    return taken;
}

static void limits(void **state)
{
    (void)state;
    assert_true(takes(256, 200, "1"));
    assert_false(takes(257, 0, "1"));
    assert_false(takes(1, 201, "1"));
    char id[260];
    memset(id, 'a', sizeof id);
    id[0] = id[257] = '"';
    id[258] = '\0';
    assert_true(takes(1, 1, id));
    id[257] = 'a', id[258] = '"', id[259] = '\0';
    assert_false(takes(1, 1, id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),      cmocka_unit_test(answers_in_the_type_of_the_request),
        cmocka_unit_test(unusual),   cmocka_unit_test(bad),
        cmocka_unit_test(truncated), cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
