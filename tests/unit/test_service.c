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

#include "base/health.h"
#include "base/mem.h"
#include "fitted.h"
#include "infer/service.h"
#include "infer/split.h"
#include "inference-client/client.h"

struct rig {
    char root[32];
    struct health health;
    struct metrics *metrics;
    struct service *service;
};

/* a -> 1 twice, 2 once; b -> 10 and 9 alike. */
static void write_model(const char *root)
{
    static const struct fitted_row rows[] = {
        {"u0", "a", 1}, {"u0", "1", 2}, {"u1", "a", 1},  {"u1", "1", 2}, {"u2", "a", 1},
        {"u2", "2", 2}, {"u3", "b", 1}, {"u3", "10", 2}, {"u4", "b", 1}, {"u4", "9", 2}};
    struct err e = {0};
    struct fitted *f = fitted_new(rows, COUNT_OF(rows));
    struct model *m = fitted_model(f, &transitions_kind), *p = fitted_model(f, &popular_kind);
    assert_true(model_write(m, root, "transitions", "1", &e));
    assert_true(model_write(p, root, "popular", "1", &e));
    model_free(m);
    model_free(p);
    fitted_free(f);
}

static int set_up(void **state)
{
    struct err e = {0};
    struct rig *r = mem_zero(1, sizeof *r);
    snprintf(r->root, sizeof r->root, "/tmp/weir-service-XXXXXX");
    if (!mkdtemp(r->root)) return 1;
    write_model(r->root);
    r->metrics = metrics_new();
    health_init(&r->health, r->metrics, 60000);
    static struct config_pair pair = {(char *)"both", (char *)"transitions:1,popular:1"};
    struct service_conf conf = {.listen = (char *)"127.0.0.1:0",
                                .models = r->root,
                                .threads = 2,
                                .ab = {.at = &pair, .n = 1}};
    r->service = service_new(&conf, r->metrics, &r->health, &e);
    if (!r->service) fail_msg("%s", e.text);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    service_free(r->service);
    metrics_free(r->metrics);
    char *command = mem_printf("rm -r %s", r->root);
    int failed = system(command);
    free(command);
    free(r);
    return failed;
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
    if (answer && strcmp(end + 4, answer) != 0) fail_msg("%s instead of %s", end + 4, answer);
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
    expect(r, post, "{\"user\":[1],\"item\":[[\"b\",9]],\"n_rec\":8,\"reconsume\":true}", 200,
           "[[10]]"); /* 9 is the newest */
    expect(r, post, "{\"user\":[1],\"item\":[[9,\"b\"]],\"n_rec\":8,\"reconsume\":true}", 200,
           "[[9,10]]");
    expect(r, "POST /popular", "{\"user\":[1],\"item\":[[9]],\"n_rec\":3,\"scores\":true}", 200,
           "[[[\"a\",3],[1,2],[\"b\",2]]]");
    expect(r, post, "{\"user\":[],\"item\":[],\"n_rec\":8}", 200, "[]");
}

static void refusals(void **state)
{
    const struct rig *r = *state;
    const char *body = "{\"user\":[1],\"item\":[[1]],\"n_rec\":8}";
    expect(r, "POST /ddpg", body, 404, "{\"detail\":\"wrong algorithm.\"}");
    expect(r, "POST /transitions/state", body, 404, "{\"detail\":\"wrong algorithm.\"}");
    expect(r, "GET /", "", 404, "{\"detail\":\"wrong algorithm.\"}");
    expect(r, "POST /models/none/reload", "", 422, NULL);
    expect(r, "POST /models", "", 405, "{\"detail\":\"Method Not Allowed\"}");
    expect(r, "GET /models/popular/reload", "", 405, "{\"detail\":\"Method Not Allowed\"}");
    expect(r, "POST /models/../reload", "", 404, NULL);
    expect(r, "GET /transitions", "", 405, "{\"detail\":\"Method Not Allowed\"}");
    expect(r, "POST /transitions", "", 422, "{\"detail\":\"the body is not JSON\"}");
    expect(r, "POST /transitions", "{\"user\":[1],\"item\":[[1]]}", 422,
           "{\"detail\":\"n_rec: want an integer from 1 to 500\"}");
    assert_true(service_moves(r->service));
}

static void on_answer(void *ctx, const struct client_reply *reply)
{
    assert_int_equal(reply->status, CLIENT_GOOD);
    assert_int_equal(reply->n, 2);
    assert_true(str_eq(reply->items[0], str_of("9")) && str_eq(reply->items[1], str_of("10")));
    assert_true(str_eq(reply->model, str_of("transitions")));
    assert_true(reply->version.len > 2 && memcmp(reply->version.at, "1-", 2) == 0);
    ++*(int *)ctx;
}

static struct client *client_of(const struct rig *r, const char *algorithm)
{
    struct err e = {0};
    char url[40];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", service_port(r->service));
    const struct client_conf conf = {.url = url,
                                     .algorithm = (char *)(uintptr_t)algorithm,
                                     .timeout_ms = 5000,
                                     .budget_ms = 5000,
                                     .batch = 64,
                                     .connections = 2,
                                     .breaker_failures = 5,
                                     .breaker_pause_ms = 1000};
    struct client *c = client_new(&conf, r->metrics, &e);
    assert_non_null(c);
    return c;
}

static void speaks_with_our_client(void **state)
{
    const struct rig *r = *state;
    int answered = 0;
    struct client *c = client_of(r, "transitions");
    const struct str history[] = {str_of("never seen"), str_of("b")};
    for (int i = 0; i < 200; i++)
        client_ask(c, &(struct client_ask){str_of("u"), history, 2, NULL, 0, 8}, on_answer,
                   &answered);
    while (client_pending(c)) client_poll(c, 50);
    assert_int_equal(answered, 200);
    client_free(c);
}

struct named {
    struct split split;
    char user[8];
    int *n;
};

static void on_named(void *ctx, const struct client_reply *reply)
{
    struct named *named = ctx;
    size_t arm = split_arm(&named->split, str_of(named->user));
    assert_int_equal(reply->status, CLIENT_GOOD);
    assert_true(str_eq(reply->model, str_of(arm ? "popular" : "transitions")));
    assert_int_equal(reply->n, arm ? 5 : 2); /* all but b, or what follows it */
    named->n[arm]++;
}

static void a_split_names_who_answered(void **state)
{
    const struct rig *r = *state;
    struct err e = {0};
    int n[2] = {0};
    struct named named[100];
    struct client *c = client_of(r, "both");
    const struct str history[] = {str_of("b")};
    for (size_t i = 0; i < COUNT_OF(named); i++) {
        assert_true(split_read(&named[i].split, "both", "transitions:1,popular:1", &e));
        snprintf(named[i].user, sizeof named[i].user, "u%zu", i);
        named[i].n = n;
        client_ask(c, &(struct client_ask){str_of(named[i].user), history, 1, NULL, 0, 8}, on_named,
                   &named[i]);
    }
    while (client_pending(c)) client_poll(c, 50);
    assert_int_equal(n[0] + n[1], 100);
    assert_true(n[0] > 20 && n[1] > 20);
    client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(refusals),
                                       cmocka_unit_test(speaks_with_our_client),
                                       cmocka_unit_test(a_split_names_who_answered)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
