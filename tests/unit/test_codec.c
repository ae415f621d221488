/* The bytes of the inference contract, as a client writes and reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "inference-client/codec.h"

static struct buf request_of(const struct client_ask *const *asks, size_t n)
{
    struct buf b;
    buf_init(&b, 10000);
    codec_request(&b, asks, n);
    return b;
}

static void requests(void **state)
{
    (void)state;
    const struct str history[] = {str_of("12"), str_of("x\"y"), str_of("007")};
    const struct client_ask first = {
        .user = str_of("5"), .history = history, .history_n = 3, .n_rec = 8};
    const struct client_ask cold = {.user = str_of("u"), .n_rec = 8};
    struct client_ask fussy = cold;
    fussy.exclude = history;
    fussy.exclude_n = 1;
    struct buf b = request_of((const struct client_ask *[]){&first, &cold}, 2);
    assert_true(
        str_eq(buf_str(&b),
               str_of("{\"n_rec\":8,\"user\":[5,\"u\"],\"item\":[[12,\"x\\\"y\",\"007\"],[]]}")));
    buf_finish(&b);
    b = request_of((const struct client_ask *[]){&cold, &fussy}, 2);
    assert_true(str_eq(buf_str(&b), str_of("{\"n_rec\":8,\"user\":[\"u\",\"u\"],\"item\":[[],[]],"
                                           "\"exclude\":[[],[12]]}")));
    buf_finish(&b);
}

/* Rows joined by '|', their ids by ','. */
static char *show(const struct codec_reply *r, size_t users_n)
{
    struct buf b;
    buf_init(&b, 10000);
    for (size_t u = 0; u < users_n; u++) {
        size_t n;
        const struct str *row = codec_row(r, u, &n);
        if (u) buf_add(&b, "|", 1);
        for (size_t i = 0; i < n; i++) buf_printf(&b, "%s%.*s", i ? "," : "", STR_ARGS(row[i]));
    }
    buf_add(&b, "", 1);
    return b.at;
}

static void good_replies(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t users_n;
        int n_rec;
        const char *rows;
    } rows[] = {
        {"[[1,2],[3]]", 2, 8, "1,2|3"},
        {"[[],[]]", 2, 8, "|"},
        {" [ [ \"a\" , 5 ] ]\n", 1, 8, "a,5"},
        {"[[1,2,3,4]]", 1, 2, "1,2"},           /* more than asked: the first ones */
        {"[[1,\"1\",2,1,2,3]]", 1, 8, "1,2,3"}, /* "1" and 1 are one id */
        {"[[1,1,1,1,2]]", 1, 2, "1,2"},         /* doubles do not use up places */
        {"[[-5,0,-0,9223372036854775807]]", 1, 8, "-5,0,9223372036854775807"},
        {"[[\"\\u5546\\ud83d\\ude00\\\"\"]]", 1, 8, "\xe5\x95\x86\xf0\x9f\x98\x80\""},
        {"[[1,2,null,3.5]]", 1, 2, "1,2"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct codec_reply r;
        assert_true(codec_decode(&r, str_of(rows[i].body), rows[i].users_n, rows[i].n_rec));
        char *shown = show(&r, rows[i].users_n);
        assert_string_equal(shown, rows[i].rows);
        free(shown);
        codec_finish(&r);
    }
}

static void must_not(const char *body, size_t users_n)
{
    struct codec_reply r;
    if (codec_decode(&r, str_of(body), users_n, 8)) fail_msg("taken: %s", body);
}

static void bad_replies(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "null",
        "{}",
        "[]",
        "[[1],[2],[3]]",
        "[1,2]",
        "[[1],2]",
        "[[1],[2]] x",
        "[[1],[2]",
        "[[1],[[2]]]",
        "[[1],[1.5]]",
        "[[1],[1e999]]",
        "[[1],[NaN]]",
        "[[1],[null]]",
        "[[1],[true]]",
        "[[1],[\"\"]]",
        "[[1],[\"a\\u0000\"]]",
        "[[1],[\"a\\nb\"]]",
        "[[1],[{\"a\":1}]]",
        "[[1],[99999999999999999999]]",
        "[[1],[\"\xff\"]]",
        "[[1],[\"\\ud800\"]]",
        "{\"a\":1,\"a\":2}",
        "{\"detail\":\"wrong algorithm.\"}",
        "[[1],[2],]",
        "[[1,],[2]]",
        "[[01],[2]]",
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) must_not(bodies[i], 2);
}

static void truncated(void **state)
{
    (void)state;
    const char whole[] = "[[12,\"a\\u5546\"],[\"b\"]]";
    for (size_t len = 0; len < strlen(whole); len++) {
        char *part = strndup(whole, len);
        must_not(part, 2);
        free(part);
    }
}

static void too_deep_and_too_long(void **state)
{
    (void)state;
    size_t n = 1 << 20;
    char *deep = mem_zero(n + 1, 1);
    memset(deep, '[', n);
    deep[n] = '\0';
    must_not(deep, 1);
    for (size_t i = 0; i < n; i += 2) memcpy(deep + i, "1,", 2);
    memcpy(deep, "[[", 2);
    must_not(deep, 1);
    char id[300];
    memset(id, 'a', sizeof id);
    memcpy(id, "[[\"", 3);
    memcpy(id + 3 + 257, "\"]]", 4);
    must_not(id, 1);
    memcpy(id + 3 + 256, "\"]]", 4);
    struct codec_reply r;
    assert_true(codec_decode(&r, str_of(id), 1, 1));
    codec_finish(&r);
    free(deep);
}

static void limits(void **state)
{
    (void)state;
    assert_true(codec_reply_max(1, 1) > 6 * 256 + 4);
    assert_true(codec_reply_max(64, 8) > 64 * 8 * (256 + 3));
    assert_int_equal(codec_reply_max(64, 1000), 16 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(good_replies),
        cmocka_unit_test(bad_replies),
        cmocka_unit_test(truncated),
        cmocka_unit_test(too_deep_and_too_long),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
