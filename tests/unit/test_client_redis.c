/* What Redis' errors mean, which addresses are good, and that nothing waits for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "io/client_redis.h"

static void errors_are_read_by_their_first_word(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        enum client_redis_answer answer;
    } cases[] = {
        {"NOSCRIPT No matching script. Please use EVAL.", CLIENT_REDIS_NOSCRIPT},
        {"LOADING Redis is loading the dataset in memory", CLIENT_REDIS_RETRY},
        {"OOM command not allowed when used memory > 'maxmemory'.", CLIENT_REDIS_RETRY},
        {"READONLY You can't write against a read only replica.", CLIENT_REDIS_RETRY},
        {"MISCONF Redis is configured to save RDB snapshots", CLIENT_REDIS_RETRY},
        {"ERR unknown", CLIENT_REDIS_RETRY},
        {"", CLIENT_REDIS_RETRY},
        {"NOAUTH Authentication required.", CLIENT_REDIS_REFUSED},
        {"WRONGPASS invalid username-password pair", CLIENT_REDIS_REFUSED},
        {"NOPERM this user has no permissions", CLIENT_REDIS_REFUSED},
        {"WRONGTYPE Operation against a key", CLIENT_REDIS_REFUSED},
        {"MOVED 3999 127.0.0.1:6381", CLIENT_REDIS_REFUSED},
        {"WRONGTYPES", CLIENT_REDIS_RETRY},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(client_redis_classify(str_of(cases[i].text)), cases[i].answer);
}

static void addresses_are_checked(void **unused)
{
    (void)unused;
    const struct {
        char address[40];
        bool good;
    } cases[] = {
        {"127.0.0.1:6379", true},   {"redis.example:1", true}, {"[::1]:6379", true},
        {"unix:/run/r.sock", true}, {"127.0.0.1", false},      {":6379", false},
        {"host:", false},           {"host:0", false},         {"host:65536", false},
        {"host:63x", false},        {"unix:", false},          {"", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err e = {0};
        char address[40], empty[] = "", key[] = "k";
        strcpy(address, cases[i].address);
        struct client_redis_conf conf = {address, empty, empty, key, 1000};
        struct client_redis *c = client_redis_new(&conf, "test", &e);
        assert_int_equal(c != NULL, cases[i].good);
        assert_int_equal(e.status, cases[i].good ? ERR_NONE : ERR_REFUSED);
        client_redis_free(c);
    }
}

static enum client_redis_answer ping(char *address, struct err *e)
{
    char empty[] = "", key[] = "k";
    struct client_redis_conf conf = {address, empty, empty, key, 200};
    struct client_redis *c = client_redis_new(&conf, "test", e);
    const struct redisReply *reply;
    const struct str args[] = {str_of("PING")};
    enum client_redis_answer answer = client_redis_ask(c, args, 1, &reply, e);
    client_redis_free(c);
    return answer;
}

/* A socket that takes connections and never says a word. */
static void a_frozen_server_costs_one_timeout(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/weir-redis-XXXXXX", address[80];
    assert_non_null(mkdtemp(folder));
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    snprintf(where.sun_path, sizeof where.sun_path, "%s/s", folder);
    snprintf(address, sizeof address, "unix:%s/s", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(listen(fd, 5), 0);

    struct err e = {0};
    int64_t start_ms = clock_now_ms();
    assert_int_equal(ping(address, &e), CLIENT_REDIS_RETRY);
    assert_in_range(clock_now_ms() - start_ms, 150, 5000);
    assert_int_equal(e.status, ERR_FAILED);
    close(fd);
    unlink(where.sun_path);

    e = (struct err){0};
    assert_int_equal(ping(address, &e), CLIENT_REDIS_RETRY); /* nobody there at all */
    assert_int_equal(e.status, ERR_FAILED);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_read_by_their_first_word),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(a_frozen_server_costs_one_timeout),
    };
    return cmocka_run_group_tests_name("client_redis", tests, NULL, NULL);
}
