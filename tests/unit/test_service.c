/* weir-infer as its clients see it: learned from a small log, asked over HTTP, by hand and by the
 * inference client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "fit/learn.h"
#include "infer/service.h"
#include "inference-client/client.h"

struct rig {
    char directory[32], path[64];
    struct metrics *metrics;
    struct service *service;
};

/* a -> 1 twice, 2 once; b -> 10 and 9 alike. */
static void write_model(const char *path)
{
    static const char *const walks[][2] = {
        {"a", "1"}, {"a", "1"}, {"a", "2"}, {"b", "10"}, {"b", "9"}};
    struct err e = {0};
    struct learn *l = learn_new();
    for (size_t i = 0; i < COUNT_OF(walks); i++) {
        char user[8];
        snprintf(user, sizeof user, "u%zu", i);
        assert_true(learn_add(l, str_of(user), str_of(walks[i][0]), 1, &e));
        assert_true(learn_add(l, str_of(user), str_of(walks[i][1]), 2, &e));
    }
    struct model m = learn_model(l);
    assert_true(model_write(&m, path, &e));
    learn_free(l);
}

static int set_up(void **state)
{
    struct err e = {0};
    struct rig *r = mem_zero(1, sizeof *r);
    snprintf(r->directory, sizeof r->directory, "/tmp/weir-service-XXXXXX");
    if (!mkdtemp(r->directory)) return 1;
    snprintf(r->path, sizeof r->path, "%s/model", r->directory);
    write_model(r->path);
    r->metrics = metrics_new();
    struct service_conf conf = {.listen = (char *)"127.0.0.1:0", .model = r->path};
    r->service = service_new(&conf, r->metrics, &e);
    if (!r->service) fail_msg("%s", e.text);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    service_free(r->service);
    metrics_free(r->metrics);
    unlink(r->path);
    rmdir(r->directory);
    free(r);
    return 0;
}

/* The whole reply to one request on a connection of its own; the caller frees it. */
static char *talk(const struct rig *r, const char *line, const char *body)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)service_port(r->service)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    char *text =
        mem_printf("%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                   line, strlen(body), body);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    free(text);
    struct buf reply;
    char piece[4096];
    buf_init(&reply, 1 << 20);
    for (ssize_t n; (n = recv(fd, piece, sizeof piece, 0)) > 0;) buf_add(&reply, piece, (size_t)n);
    buf_add(&reply, "", 1);
    close(fd);
    return reply.at;
}

static void expect(const struct rig *r, const char *line, const char *body, int status,
                   const char *answer)
{
    char *reply = talk(r, line, body), *end = strstr(reply, "\r\n\r\n");
    assert_non_null(end);
    assert_int_equal(atoi(reply + strlen("HTTP/1.1 ")), status);
    assert_non_null(strcasestr(reply, "\r\nContent-Type: application/json\r\n"));
    if (strcmp(end + 4, answer) != 0) fail_msg("%s instead of %s", end + 4, answer);
    free(reply);
}

static void answers(void **state)
{
    const struct rig *r = *state;
    const char *post = "POST /transitions";
    expect(r, post, "{\"user\":[\"x\"],\"item\":[[\"a\"]],\"n_rec\":8}", 200, "[[\"1\",\"2\"]]");
    expect(r, post, "{\"user\":[1],\"item\":[[\"a\"]],\"n_rec\":1}", 200, "[[1]]");
    expect(r, post, "{\"user\":[1,2],\"item\":[[\"b\"],[]],\"n_rec\":8}", 200, "[[9,10],[]]");
    expect(r, post, "{\"user\":[1],\"item\":[[1,\"a\"]],\"n_rec\":8}", 200, "[[2]]");
    expect(r, post, "{\"user\":[1],\"item\":[[\"a\"]],\"n_rec\":8,\"exclude\":[[1]]}", 200,
           "[[2]]");
    expect(r, post, "{\"user\":[],\"item\":[],\"n_rec\":8}", 200, "[]");
}

static void refusals(void **state)
{
    const struct rig *r = *state;
    const char *body = "{\"user\":[1],\"item\":[[1]],\"n_rec\":8}";
    expect(r, "POST /ddpg", body, 404, "{\"detail\":\"wrong algorithm.\"}");
    expect(r, "POST /transitions/state", body, 404, "{\"detail\":\"wrong algorithm.\"}");
    expect(r, "GET /", "", 404, "{\"detail\":\"wrong algorithm.\"}");
    expect(r, "GET /transitions", "", 405, "{\"detail\":\"Method Not Allowed\"}");
    expect(r, "POST /transitions", "", 422, "{\"detail\":\"the body is not JSON\"}");
    expect(r, "POST /transitions", "{\"user\":[1],\"item\":[[1]]}", 422,
           "{\"detail\":\"n_rec: want an integer from 1 to 1000\"}");
    assert_true(service_moves(r->service));
}

static void on_answer(void *ctx, enum client_status status, const struct str *items, size_t n)
{
    assert_int_equal(status, CLIENT_GOOD);
    assert_int_equal(n, 2);
    assert_true(str_eq(items[0], str_of("9")) && str_eq(items[1], str_of("10")));
    ++*(int *)ctx;
}

static void speaks_with_our_client(void **state)
{
    const struct rig *r = *state;
    struct err e = {0};
    int answered = 0;
    char url[40];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", service_port(r->service));
    const struct client_conf conf = {.url = url,
                                     .algorithm = (char *)"transitions",
                                     .timeout_ms = 5000,
                                     .budget_ms = 5000,
                                     .batch = 64,
                                     .connections = 2,
                                     .breaker_failures = 5,
                                     .breaker_pause_ms = 1000};
    struct client *c = client_new(&conf, r->metrics, &e);
    const struct str history[] = {str_of("never seen"), str_of("b")};
    for (int i = 0; i < 200; i++)
        client_ask(c, &(struct client_ask){str_of("u"), history, 2, NULL, 0, 8}, on_answer,
                   &answered);
    while (client_pending(c)) client_poll(c, 50);
    assert_int_equal(answered, 200);
    client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(refusals),
                                       cmocka_unit_test(speaks_with_our_client)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
