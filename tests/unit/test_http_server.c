/* The HTTP server over real sockets: what it answers, and what it does not let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/http_server.h"

enum { BODY_MAX = 1000, REPLY_MAX = 2000, HURRY_MS = 2000, ANSWER_MAX = 200000 };

/* Answers "<method> <path> <body>"; /big overflows, /teapot has a status of its own. */
static void echo(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    (void)ctx;
    if (strcmp(request->path, "/big") == 0)
        for (int i = 0; i <= REPLY_MAX; i++) buf_add(&reply->body, "x", 1);
    if (strcmp(request->path, "/empty") == 0) return;
    if (strcmp(request->path, "/teapot") == 0) {
        reply->status = 418;
        reply->content_type = "application/json";
    }
    buf_printf(&reply->body, "%s %s %.*s", request->method, request->path, STR_ARGS(request->body));
}

static struct http_server *serve_within(const char *address, int64_t request_max_ms)
{
    struct err e = {0};
    struct http_server *s =
        http_server_new(&(struct http_server_conf){.listen = address,
                                                   .body_max_bytes = BODY_MAX,
                                                   .reply_max_bytes = REPLY_MAX,
                                                   .request_max_ms = request_max_ms,
                                                   .handler = echo},
                        &e);
    if (!s) fail_msg("%s", e.text);
    return s;
}

static struct http_server *serve(const char *address)
{
    return serve_within(address, 60000);
}

static int set_up(void **state)
{
    *state = serve("127.0.0.1:0");
    return 0;
}

static int set_up_hasty(void **state)
{
    *state = serve_within("127.0.0.1:0", HURRY_MS);
    return 0;
}

static int tear_down(void **state)
{
    http_server_free(*state);
    return 0;
}

static int dial(const struct http_server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)http_server_port(s)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void say(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent <= 0) return; /* the server may hang up on us */
        text += sent;
        n -= (size_t)sent;
    }
}

/* Everything until the server closes the connection. */
static const char *hear(int fd)
{
    static char answer[ANSWER_MAX];
    size_t len = 0;
    struct pollfd p = {fd, POLLIN, 0};
    while (len < sizeof answer - 1 && poll(&p, 1, 30000) == 1) {
        ssize_t n = recv(fd, answer + len, sizeof answer - 1 - len, 0);
        if (n <= 0) break;
        len += (size_t)n;
    }
    answer[len] = '\0';
    close(fd);
    return answer;
}

static const char *ask(const struct http_server *s, const char *text)
{
    int fd = dial(s);
    say(fd, text, strlen(text));
    return hear(fd);
}

static void assert_status(const char *answer, int status)
{
    char want[32];
    snprintf(want, sizeof want, "HTTP/1.1 %d ", status);
    if (strncmp(answer, want, strlen(want)) != 0) fail_msg("not %d: %.200s", status, answer);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? end + 4 : "(no body)";
}

#define TAIL "Host: x\r\nConnection: close\r\n"

static void answers(void **state)
{
    const struct {
        const char *request;
        int status;
        const char *body; /* NULL = any */
    } rows[] = {
        {"GET / HTTP/1.1\r\n" TAIL "\r\n", 200, "GET / "},
        {"GET /a%20b?c=d HTTP/1.1\r\n" TAIL "\r\n", 200, "GET /a b "},
        {"HEAD /a HTTP/1.1\r\n" TAIL "\r\n", 200, ""},
        {"POST /a HTTP/1.1\r\n" TAIL "Content-Length: 3\r\n\r\nxyz", 200, "POST /a xyz"},
        {"POST /a HTTP/1.1\r\n" TAIL
         "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         200, "POST /a abcde"},
        {"POST /a HTTP/1.1\r\n" TAIL "Content-Length: 0\r\n\r\n", 200, "POST /a "},
        {"GET /empty HTTP/1.1\r\n" TAIL "\r\n", 200, ""},
        {"GET /teapot HTTP/1.1\r\n" TAIL "\r\n", 418, "GET /teapot "},
        {"PUT /a HTTP/1.1\r\n" TAIL "Content-Length: 1\r\n\r\nx", 405, NULL},
        {"DELETE /a HTTP/1.1\r\n" TAIL "\r\n", 405, NULL},
        {"get /a HTTP/1.1\r\n" TAIL "\r\n", 405, NULL},
        {"GET /big HTTP/1.1\r\n" TAIL "\r\n", 500, NULL},
        {"POST /a HTTP/1.1\r\n" TAIL "Content-Length: 1001\r\n\r\n", 413, NULL},
        {"POST /a HTTP/1.1\r\n" TAIL "Content-Length: 99999999999\r\n\r\n", 413, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *answer = ask(*state, rows[i].request);
        assert_status(answer, rows[i].status);
        if (rows[i].body) assert_string_equal(body_of(answer), rows[i].body);
    }
    assert_non_null(strstr(ask(*state, rows[7].request), "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(ask(*state, rows[2].request), "\r\nContent-Length: 7\r\n")); /* of GET */
    assert_non_null(strstr(ask(*state, rows[8].request), "\r\nAllow: GET, HEAD, POST\r\n"));
}

static void largest_body(void **state)
{
    char request[BODY_MAX + 200];
    int n = snprintf(request, sizeof request,
                     "POST /a HTTP/1.1\r\n" TAIL "Content-Length: %d\r\n\r\n%0*d", BODY_MAX,
                     BODY_MAX, 7);
    assert_true(n < (int)sizeof request);
    const char *answer = ask(*state, request);
    assert_status(answer, 200);
    assert_int_equal(strlen(body_of(answer)), BODY_MAX + strlen("POST /a "));
}

static void endless_chunks(void **state)
{
    int fd = dial(*state);
    static const char head[] = "POST /a HTTP/1.1\r\n" TAIL "Transfer-Encoding: chunked\r\n\r\n";
    say(fd, head, sizeof head - 1);
    for (int i = 0; i < 2000; i++) say(fd, "a\r\n0123456789\r\n", 15); /* until it hangs up */
    const char *answer = hear(fd);
    assert_true(strncmp(answer, "HTTP/1.1 2", 10) != 0);
    assert_status(ask(*state, "GET / HTTP/1.1\r\n" TAIL "\r\n"), 200); /* and it lives */
}

static void endless_header(void **state)
{
    int fd = dial(*state);
    static const char head[] = "GET / HTTP/1.1\r\n" TAIL;
    say(fd, head, sizeof head - 1);
    for (int i = 0; i < 20000; i++) say(fd, "X-Y: zzzzzzzzzz\r\n", 17);
    say(fd, "\r\n", 2);
    const char *answer = hear(fd);
    assert_true(strncmp(answer, "HTTP/1.1 2", 10) != 0);
    assert_status(ask(*state, "GET / HTTP/1.1\r\n" TAIL "\r\n"), 200);
}

static void kept_alive(void **state)
{
    int fd = dial(*state);
    static const char two[] = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
                              "POST /2 HTTP/1.1\r\n" TAIL "Content-Length: 1\r\n\r\nb";
    say(fd, two, sizeof two - 1);
    const char *answer = hear(fd);
    assert_non_null(strstr(answer, "POST /1 a"));
    assert_non_null(strstr(answer, "POST /2 b"));
}

static void garbage(void **state)
{
    srandom(1);
    for (int i = 0; i < 200; i++) {
        char bytes[300];
        for (size_t j = 0; j < sizeof bytes; j++) bytes[j] = (char)random();
        memcpy(bytes, "GET / HTTP/1.1\r\n", (size_t)random() % 17);
        int fd = dial(*state);
        say(fd, bytes, sizeof bytes);
        say(fd, "\r\n\r\n", 4);
        close(fd);
    }
    assert_status(ask(*state, "GET / HTTP/1.1\r\n" TAIL "\r\n"), 200);
}

/* More connections than it takes: the idle ones cannot lock others out for ever. */
static void connection_limit(void **state)
{
    enum { N = 100 };
    int fds[N];
    for (int i = 0; i < N; i++) fds[i] = dial(*state);
    for (int i = 0; i < N; i++) close(fds[i]);
    const char *answer = "";
    for (int i = 0; i < 100 && answer[0] == '\0'; i++)
        answer = ask(*state, "GET / HTTP/1.1\r\n" TAIL "\r\n");
    assert_status(answer, 200);
}

static void ipv6(void **state)
{
    (void)state;
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    bool usable = probe >= 0 && bind(probe, (struct sockaddr *)&a, sizeof a) == 0;
    if (probe >= 0) close(probe);
    if (!usable) skip(); /* this machine has no IPv6 */
    struct http_server *s = serve("[::1]:0");
    a.sin6_port = htons((uint16_t)http_server_port(s));
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    static const char request[] = "GET / HTTP/1.1\r\n" TAIL "\r\n";
    say(fd, request, sizeof request - 1);
    assert_status(hear(fd), 200);
    http_server_free(s);
}

static void addresses(void **state)
{
    (void)state;
    static const char *const must[] = {"127.0.0.1:0", "0.0.0.0:65535", "[::1]:80", "[::]:0"};
    static const char *const must_not[] = {
        "",
        ":",
        "127.0.0.1",
        "127.0.0.1:",
        ":80",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "::1:0",
        "[::1]",
        "[::1:0",
        "[]:0",
        "256.0.0.1:1",
        "localhost:80",
        "127.0.0.1:8o",
        "[127.0.0.1:80",
        "127.0.0.1:80 ",
        "host.invalid:1",
    };
    for (size_t i = 0; i < COUNT_OF(must); i++) {
        struct err e = {0};
        if (!http_server_check(must[i], &e)) fail_msg("%s", e.text);
    }
    for (size_t i = 0; i < COUNT_OF(must_not); i++) {
        struct err e = {0};
        if (http_server_check(must_not[i], &e)) fail_msg("\"%s\" is taken", must_not[i]);
        assert_int_equal(e.status, ERR_REFUSED);
        assert_non_null(strstr(e.text, "http.listen"));
    }
}

/* A byte now and then is no silence, but takes too long all the same. */
static void slow_header(void **state)
{
    int fd = dial(*state);
    struct pollfd p = {fd, POLLIN, 0};
    int sent = 0;
    say(fd, "GET / HTTP/1.1\r\nX: ", 19);
    while (poll(&p, 1, 20) == 0) {
        say(fd, "x", 1);
        sent++;
    }
    assert_true(sent > 1);
    hear(fd);
    assert_status(ask(*state, "GET / HTTP/1.1\r\n" TAIL "\r\n"), 200);
}

/* A connection that is kept has time for each request anew. */
static void time_for_each_request(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = dial(*state);
    char answer[1000];
    for (int i = 0; i < 6; i++) {
        usleep(HURRY_MS / 4 * 1000);
        say(fd, request, sizeof request - 1);
        assert_true(recv(fd, answer, sizeof answer, 0) > 0);
    }
    close(fd);
}

static void port_in_use(void **state)
{
    char address[32];
    struct err e = {0};
    snprintf(address, sizeof address, "127.0.0.1:%d", http_server_port(*state));
    assert_null(
        http_server_new(&(struct http_server_conf){.listen = address, .handler = echo}, &e));
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, "http.listen"));
    assert_non_null(strstr(e.text, address));
}

/* With several threads, one that is busy keeps nobody waiting. */
struct gate {
    int entered[2], opened[2]; /* pipes */
};

static void wait_at_gate(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gate *g = ctx;
    char byte = 0;
    if (strcmp(request->path, "/gate") == 0) {
        assert_int_equal(write(g->entered[1], &byte, 1), 1);
        assert_int_equal(read(g->opened[0], &byte, 1), 1);
    }
    echo(NULL, request, reply);
}

static void several_threads(void **state)
{
    (void)state;
    struct err e = {0};
    struct gate g;
    char byte = 0;
    assert_int_equal(pipe(g.entered) + pipe(g.opened), 0);
    struct http_server *s = http_server_new(&(struct http_server_conf){.listen = "127.0.0.1:0",
                                                                       .threads = 2,
                                                                       .body_max_bytes = BODY_MAX,
                                                                       .reply_max_bytes = REPLY_MAX,
                                                                       .request_max_ms = 60000,
                                                                       .handler = wait_at_gate,
                                                                       .ctx = &g},
                                            &e);
    assert_non_null(s);
    static const char request[] = "GET /gate HTTP/1.1\r\n" TAIL "\r\n";
    int waiting = dial(s);
    say(waiting, request, sizeof request - 1);
    assert_int_equal(read(g.entered[0], &byte, 1), 1);
    assert_status(ask(s, "GET / HTTP/1.1\r\n" TAIL "\r\n"), 200);
    assert_int_equal(write(g.opened[1], &byte, 1), 1);
    assert_status(hear(waiting), 200);
    http_server_free(s);
    for (int i = 0; i < 2; i++) {
        close(g.entered[i]);
        close(g.opened[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers),
        TEST(largest_body),
        TEST(endless_chunks),
        TEST(endless_header),
        TEST(kept_alive),
        TEST(garbage),
        TEST(connection_limit),
        cmocka_unit_test_setup_teardown(slow_header, set_up_hasty, tear_down),
        cmocka_unit_test_setup_teardown(time_for_each_request, set_up_hasty, tear_down),
        TEST(port_in_use),
        cmocka_unit_test(ipv6),
        cmocka_unit_test(addresses),
        cmocka_unit_test(several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
