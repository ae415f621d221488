/* Publishing to a real Redis of our own: what readers find, and what an older publisher cannot do. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/sink_redis.h"

static char folder[] = "/tmp/weir-sink-XXXXXX", path[80], address[90];
static pid_t server;
static redisContext *eyes;

enum { SLIDE = 10, SIZE = 30, KEEP = 60 };

static int start_redis(void **unused)
{
    (void)unused;
    signal(SIGPIPE, SIG_IGN); /* as daemons do */
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/redis.sock", folder);
    snprintf(address, sizeof address, "unix:%s", path);
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout)) _exit(127);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
               "--dir", folder, NULL);
        _exit(127);
    }
    for (int64_t deadline_ms = clock_now_ms() + 20000; clock_now_ms() < deadline_ms;
         usleep(10000)) {
        eyes = redisConnectUnix(path);
        if (eyes && !eyes->err) return 0;
        redisFree(eyes);
    }
    return -1;
}

static int stop_redis(void **unused)
{
    (void)unused;
    redisFree(eyes);
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    unlink(path);
    rmdir(folder);
    return 0;
}

/* What a command answers, as one text; the caller frees it. */
static char *text_of(const redisReply *r)
{
    if (r->type == REDIS_REPLY_INTEGER) return mem_printf("%lld", r->integer);
    if (r->type == REDIS_REPLY_NIL) return mem_printf("nil");
    if (r->type != REDIS_REPLY_ARRAY) return mem_printf("%s", r->str);
    char *all = mem_printf("%s", "");
    for (size_t i = 0; i < r->elements; i++) {
        char *one = text_of(r->element[i]), *more = mem_printf("%s%s%s", all, i ? " " : "", one);
        free(one);
        free(all);
        all = more;
    }
    return all;
}

static void expect(const char *command, const char *wanted)
{
    redisReply *reply = redisCommand(eyes, command);
    assert_non_null(reply);
    char *found = text_of(reply);
    if (strcmp(found, wanted) != 0) fail_msg("%s: \"%s\", not \"%s\"", command, found, wanted);
    free(found);
    freeReplyObject(reply);
}

static void do_it(const char *command)
{
    freeReplyObject(redisCommand(eyes, command));
}

static struct sink_redis *new_sink(int64_t epoch)
{
    static char empty[] = "", key[] = "{k}";
    static struct client_redis_conf conf;
    struct err e = {0};
    conf = (struct client_redis_conf){address, empty, empty, key, 2000};
    struct sink_redis *s =
        sink_redis_new(&(struct sink_redis_spec){&conf, "test", epoch, KEEP}, &e);
    assert_non_null(s);
    return s;
}

static const struct ranking_place two[] = {{{"say \"hi\"\\", 9}, 7}, {{"\xe2\x82\xac", 3}, 5}};
static const struct ranking_place one[] = {{{"9", 1}, 3}};

static struct windows_view view(int64_t end_ms, int64_t version, bool newest)
{
    return (struct windows_view){.start_ms = end_ms - SIZE,
                                 .end_ms = end_ms,
                                 .version = version,
                                 .events = 12,
                                 .complete = true,
                                 .newest = newest,
                                 .places = one,
                                 .place_n = 1};
}

static enum client_redis_answer show(struct sink_redis *s, struct windows_view v, struct err *e)
{
    enum client_redis_answer answer = sink_redis_put(s, &v, e);
    return answer == CLIENT_REDIS_DONE ? sink_redis_flush(s, e) : answer;
}

static void shown(struct sink_redis *s, struct windows_view v)
{
    struct err e = {0};
    if (show(s, v, &e) != CLIENT_REDIS_DONE) fail_msg("%s", e.text);
}

static void readers_find_the_window(void **unused)
{
    (void)unused;
    do_it("FLUSHALL");
    struct sink_redis *s = new_sink(1);
    struct windows_view v = view(1511540000000, 9007199254740991, true);
    v.places = two;
    v.place_n = 2;
    shown(s, v);
    expect("HMGET {k} window_start window_end version events complete n ranking",
           "1511539999970 1511540000000 9007199254740991 12 1 2 [[\"say "
           "\\\"hi\\\"\\\\\",7],[\"\xe2\x82\xac\",5]]");
    expect("HLEN {k}", "8");
    expect("LRANGE {k}:order 0 -1", "say \"hi\"\\ \xe2\x82\xac");
    expect("ZRANGE {k}:items 0 -1 WITHSCORES", "\xe2\x82\xac 5 say \"hi\"\\ 7");
    expect("HGETALL {k}:versions", "1511540000000 1:9007199254740991");
    expect(
        "HGET {k}:history 1511540000000",
        "{\"window_start\":1511539999970,\"window_end\":1511540000000,\"version\":9007199254740991,"
        "\"events\":12,\"complete\":1,\"ranking\":[[\"say "
        "\\\"hi\\\"\\\\\",7],[\"\xe2\x82\xac\",5]]}");
    v = view(1511540000010, 9007199254740991, true);
    v.place_n = 0;
    v.complete = false;
    shown(s, v); /* an empty window leaves nothing of the one before */
    expect("HMGET {k} n ranking complete", "0 [] 0");
    expect("EXISTS {k}:items {k}:order", "0");
    assert_int_equal(sink_redis_shown_n(s), 2);
    assert_int_equal(sink_redis_stale_n(s), 0);
    sink_redis_free(s);
}

/* Each row publishes, and tells what is current and which windows are kept then. */
static void only_what_is_newer_gets_in(void **unused)
{
    (void)unused;
    const struct {
        int64_t end, version;
        bool newest;
        const char *current, *versions;
        int stale;
    } rows[] = {
        {90, 4, false, "nil nil", "1:4", 0}, /* a correction may come first */
        {100, 5, true, "100 5", "1:4 1:5", 0},
        {100, 4, true, "100 5", "1:4 1:5", 1},  /* less known */
        {100, 6, false, "100 5", "1:4 1:6", 1}, /* not the publisher's newest: history only */
        {100, 5, true, "100 5", "1:4 1:6", 2},
        {100, 6, true, "100 6", "1:4 1:6", 2},
        {90, 9, true, "100 6", "1:9 1:6", 2}, /* a zombie's newest is older than ours */
        {90, 8, false, "100 6", "1:9 1:6", 3},
        {150, 10, true, "150 10", "1:6 1:10", 3}, /* 90 leaves the history */
        {90, 99, false, "150 10", "1:6 1:10", 4}, /* and stays away */
        {160, 10, true, "160 10", "1:10 1:10", 4},
    };
    do_it("FLUSHALL");
    struct sink_redis *s = new_sink(1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        shown(s, view(rows[i].end, rows[i].version, rows[i].newest));
        expect("HMGET {k} window_end version", rows[i].current);
        expect("HVALS {k}:versions", rows[i].versions);
        assert_int_equal(sink_redis_stale_n(s), rows[i].stale);
    }
    sink_redis_free(s);
}

static void an_epoch_ends_the_ones_before(void **unused)
{
    (void)unused;
    do_it("FLUSHALL");
    bool empty;
    struct err e = {0};
    struct sink_redis *old = new_sink(9), *young = new_sink(10);
    assert_true(sink_redis_empty(old, &empty, &e) == CLIENT_REDIS_DONE && empty);
    shown(old, view(100, 5, true));
    assert_true(sink_redis_empty(old, &empty, &e) == CLIENT_REDIS_DONE && !empty);
    assert_true(sink_redis_empty(young, &empty, &e) == CLIENT_REDIS_DONE && empty);
    shown(young, view(50, 1, false)); /* takes all away, although it is no current window itself */
    expect("EXISTS {k} {k}:items {k}:order", "0");
    expect("HGETALL {k}:versions", "50 10:1");
    assert_int_equal(show(old, view(200, 9, true), &e), CLIENT_REDIS_REFUSED);
    assert_int_equal(e.status, ERR_REFUSED);
    expect("HGETALL {k}:versions", "50 10:1");
    sink_redis_free(old);
    sink_redis_free(young);
}

static void many_windows_go_in_one_round_trip(void **unused)
{
    (void)unused;
    do_it("FLUSHALL");
    struct err e = {0};
    struct sink_redis *s = new_sink(1);
    for (int64_t i = 0; i < 500; i++) {
        struct windows_view v = view(i * SLIDE, i, i == 499);
        assert_int_equal(sink_redis_put(s, &v, &e), CLIENT_REDIS_DONE);
    }
    assert_int_equal(sink_redis_flush(s, &e), CLIENT_REDIS_DONE);
    assert_int_equal(sink_redis_shown_n(s), 500);
    expect("HKEYS {k}:versions", "4940 4950 4960 4970 4980 4990");
    sink_redis_free(s);
}

static void a_redis_that_forgot_is_told_again(void **unused)
{
    (void)unused;
    struct err e = {0};
    struct sink_redis *s = new_sink(1);
    do_it("FLUSHALL");
    shown(s, view(100, 5, true));
    do_it("FLUSHALL");
    do_it("SCRIPT FLUSH");
    assert_int_equal(show(s, view(100, 5, true), &e), CLIENT_REDIS_RETRY);
    assert_int_equal(e.status, ERR_FAILED);
    shown(s, view(100, 5, true));
    do_it("CLIENT KILL TYPE normal SKIPME yes");
    e = (struct err){0};
    assert_int_equal(show(s, view(110, 6, true), &e), CLIENT_REDIS_RETRY);
    shown(s, view(110, 6, true));
    expect("HMGET {k} window_end version", "110 6");
    sink_redis_free(s);
}

static void foreign_keys_are_left_alone(void **unused)
{
    (void)unused;
    do_it("FLUSHALL");
    do_it("SET {k}:history mine");
    do_it("SET {k}:versions mine");
    struct err e = {0};
    struct sink_redis *s = new_sink(1);
    assert_int_equal(show(s, view(100, 5, true), &e), CLIENT_REDIS_REFUSED);
    assert_non_null(strstr(e.text, "key"));
    expect("GET {k}:history", "mine");
    sink_redis_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_find_the_window),
        cmocka_unit_test(only_what_is_newer_gets_in),
        cmocka_unit_test(an_epoch_ends_the_ones_before),
        cmocka_unit_test(many_windows_go_in_one_round_trip),
        cmocka_unit_test(a_redis_that_forgot_is_told_again),
        cmocka_unit_test(foreign_keys_are_left_alone),
    };
    return cmocka_run_group_tests_name("sink_redis", tests, start_redis, stop_redis);
}
