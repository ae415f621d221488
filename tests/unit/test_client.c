/* The inference client against a scripted HTTP server: good, slow, wrong, hostile and confused
 * ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "base/mem.h"
#include "inference-client/client.h"

#include "http_double.h"

enum { ASKS_MAX = 400 };

/* -- the asking side -- */

struct asked {
    int n;
    int left; /* not answered yet */
    enum client_status status[ASKS_MAX];
    bool answered[ASKS_MAX], own[ASKS_MAX]; /* own: got exactly "for-" + its user */
};

struct slot {
    struct asked *all;
    int i;
    char user[16];
};

struct rig {
    struct server server;
    struct client_conf conf;
    struct metrics *metrics;
    struct client *client;
    struct asked asked;
    struct slot slots[ASKS_MAX];
    int64_t began_ms;
};

static void on_answer(void *ctx, const struct client_reply *reply)
{
    struct slot *slot = ctx;
    char want[32];
    snprintf(want, sizeof want, "for-%s", slot->user);
    assert_false(slot->all->answered[slot->i]);
    slot->all->answered[slot->i] = true;
    slot->all->status[slot->i] = reply->status;
    slot->all->own[slot->i] = reply->n == 1 && str_eq(reply->items[0], str_of(want));
    slot->all->left--;
    assert_null(reply->model.at); /* this server does not tell */
    if (reply->status != CLIENT_GOOD) assert_int_equal(reply->n, 0);
}

static struct client_conf quick(void)
{
    return (struct client_conf){.algorithm = (char *)"algo",
                                .timeout_ms = 150,
                                .budget_ms = 400,
                                .batch = 16,
                                .batch_wait_ms = 1,
                                .connections = 2,
                                .breaker_failures = 1000,
                                .breaker_pause_ms = 100};
}

/* Where nothing is to time out, however slow the machine is. */
static struct client_conf patient(void)
{
    struct client_conf conf = quick();
    conf.timeout_ms = 20000;
    conf.budget_ms = 30000;
    return conf;
}

static struct rig *rig_new(script *play, struct client_conf conf)
{
    struct err e = {0};
    struct rig *r = mem_zero(1, sizeof *r);
    server_start(&r->server, play);
    r->conf = conf;
    r->conf.url = mem_printf("http://127.0.0.1:%d/", r->server.port);
    r->metrics = metrics_new();
    r->client = client_new(&r->conf, r->metrics, &e);
    if (!r->client) fail_msg("%s", e.text);
    return r;
}

static void rig_free(struct rig *r)
{
    client_free(r->client);
    server_stop(&r->server);
    metrics_free(r->metrics);
    free(r->conf.url);
    free(r);
}

static void ask_as(struct rig *r, const char *user, int n_rec)
{
    struct slot *slot = &r->slots[r->asked.n];
    *slot = (struct slot){.all = &r->asked, .i = r->asked.n};
    snprintf(slot->user, sizeof slot->user, "%s", user);
    const struct str history[] = {str_of("1"), str_of("b")};
    client_ask(r->client,
               &(struct client_ask){
                   .user = str_of(slot->user), .history = history, .history_n = 2, .n_rec = n_rec},
               on_answer, slot);
    r->asked.n++;
    r->asked.left++;
}

static void ask(struct rig *r, int n)
{
    r->began_ms = clock_now_ms();
    for (int i = 0; i < n; i++) {
        char user[16];
        snprintf(user, sizeof user, "u%d", r->asked.n);
        ask_as(r, user, 8);
    }
}

/* Polls until all is answered, which must be within the budget and a little. */
static void finish(struct rig *r)
{
    while (client_pending(r->client)) client_poll(r->client, 50);
    assert_int_equal(r->asked.left, 0);
    assert_true(clock_now_ms() - r->began_ms < r->conf.budget_ms + 300);
}

static int count(const struct rig *r, enum client_status status)
{
    int n = 0;
    for (int i = 0; i < r->asked.n; i++) n += r->asked.status[i] == status;
    return n;
}

static void all_own(const struct rig *r)
{
    for (int i = 0; i < r->asked.n; i++)
        if (!r->asked.own[i])
            fail_msg("ask %d: %s, not its own answer", i, client_reason(r->asked.status[i]));
}

/* One ask ends with this status; whatever the server does is over within the budget. */
static void one_ends(script *play, enum client_status want)
{
    struct client_conf conf = want == CLIENT_TIMEOUT ? quick() : patient();
    conf.breaker_failures = 1; /* one attempt, with all its time */
    conf.breaker_pause_ms = 60000;
    struct rig *r = rig_new(play, conf);
    ask(r, 1);
    finish(r);
    if (r->asked.status[0] != want)
        fail_msg("%s instead of %s: %s", client_reason(r->asked.status[0]), client_reason(want),
                 client_trouble(r->client));
    assert_int_not_equal(strlen(client_trouble(r->client)), 0);
    rig_free(r);
}

/* -- good services -- */

static void batches_and_keeps_connections(void **state)
{
    (void)state;
    struct rig *r = rig_new(good, patient());
    ask(r, 100);
    finish(r);
    all_own(r);
    assert_int_equal(r->server.requests, 7); /* 6 * 16 + 4 */
    assert_int_equal(r->server.users_max, 16);
    ask(r, 100);
    finish(r);
    all_own(r);
    assert_in_range(r->server.connections, 1, 2);
    rig_free(r);
}

static void groups_by_n_rec(void **state)
{
    (void)state;
    struct rig *r = rig_new(good, patient());
    r->began_ms = clock_now_ms();
    ask_as(r, "a", 8);
    ask_as(r, "b", 8);
    ask_as(r, "c", 3);
    finish(r);
    all_own(r);
    assert_int_equal(r->server.requests, 2);
    rig_free(r);
}

static void room(void **state)
{
    (void)state;
    struct rig *r = rig_new(good, patient());
    assert_int_equal(client_room(r->client), 32);
    ask(r, 40);
    assert_int_equal(client_room(r->client), 0);
    finish(r);
    assert_int_equal(client_room(r->client), 32);
    rig_free(r);
}

static void ignores_proxies_of_the_environment(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    struct rig *r = rig_new(good, patient());
    ask(r, 1);
    finish(r);
    all_own(r);
    rig_free(r);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

static bool close_after_reply(struct server *s, const struct request *r)
{
    good(s, r);
    return false;
}

static void survives_closed_connections(void **state)
{
    (void)state;
    struct rig *r = rig_new(close_after_reply, patient());
    for (int i = 0; i < 10; i++) {
        ask(r, 1);
        finish(r);
    }
    all_own(r);
    rig_free(r);
}

/* -- failures -- */

static bool status_500(struct server *s, const struct request *r)
{
    return reply(s, r->fd, "500 Internal Server Error", "oops");
}

static bool status_404(struct server *s, const struct request *r)
{
    return reply(s, r->fd, "404 Not Found", "{\"detail\":\"wrong algorithm.\"}");
}

static bool redirect(struct server *s, const struct request *r)
{
    put_text(s, r->fd,
             "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
    return true;
}

static bool hang(struct server *s, const struct request *r)
{
    (void)s;
    return wait_for_hangup(r->fd);
}

static bool drip(struct server *s, const struct request *r)
{
    put_text(s, r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[");
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    while (poll(&p, 1, 10) == 0)
        if (!put_text(s, r->fd, " ")) break;
    return false;
}

static bool cut_body(struct server *s, const struct request *r)
{
    put_text(s, r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[[\"for-u0\"]]");
    return false;
}

static bool cut_header(struct server *s, const struct request *r)
{
    put_text(s, r->fd, "HTTP/1.1 200 OK\r\nContent-Le");
    return false;
}

static bool no_http(struct server *s, const struct request *r)
{
    put_text(s, r->fd, "-ERR unknown command 'POST'\r\n");
    return false;
}

static bool endless_chunks(struct server *s, const struct request *r)
{
    char chunk[0x1000 + 8];
    memset(chunk, ' ', sizeof chunk);
    memcpy(chunk, "1000\r\n", 6);
    memcpy(chunk + 6 + 0x1000, "\r\n", 2);
    put_text(s, r->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (put(s, r->fd, chunk, sizeof chunk)) {
    }
    return false;
}

static bool endless_headers(struct server *s, const struct request *r)
{
    put_text(s, r->fd, "HTTP/1.1 200 OK\r\n");
    while (put_text(s, r->fd, "X-Header: one more of them, and of some length too\r\n")) {
    }
    return false;
}

static bool malformed(struct server *s, const struct request *r)
{
    return reply(s, r->fd, "200 OK", "[[1],[2]]"); /* two lists for one user */
}

static bool deep(struct server *s, const struct request *r)
{
    char body[5000];
    memset(body, '[', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    return reply(s, r->fd, "200 OK", body);
}

static bool overflow(struct server *s, const struct request *r)
{
    return reply(s, r->fd, "200 OK", "[[1e999]]");
}

static bool gzip(struct server *s, const struct request *r)
{
    put_text(
        s, r->fd,
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 11\r\n\r\n[[\"for-u0\"]");
    return false;
}

static bool empty_204(struct server *s, const struct request *r)
{
    put_text(s, r->fd, "HTTP/1.1 204 No Content\r\n\r\n");
    return true;
}

static void every_failure_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        script *script;
        enum client_status status;
    } rows[] = {
        {status_500, CLIENT_HTTP},
        {status_404, CLIENT_HTTP},
        {redirect, CLIENT_HTTP},
        {empty_204, CLIENT_HTTP},
        {hang, CLIENT_TIMEOUT},
        {drip, CLIENT_TIMEOUT},
        {cut_body, CLIENT_UNREACHABLE},
        {cut_header, CLIENT_MALFORMED},
        {no_http, CLIENT_UNREACHABLE},
        {endless_chunks, CLIENT_OVERSIZED},
        {endless_headers, CLIENT_OVERSIZED},
        {malformed, CLIENT_MALFORMED},
        {deep, CLIENT_MALFORMED},
        {overflow, CLIENT_MALFORMED},
        {gzip, CLIENT_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) one_ends(rows[i].script, rows[i].status);
}

static void refused_connection(void **state)
{
    (void)state;
    struct rig *r = rig_new(good, quick());
    server_stop(&r->server);
    ask(r, 3);
    finish(r);
    assert_int_equal(count(r, CLIENT_UNREACHABLE), 3);
    server_start(&r->server, good);
    rig_free(r);
}

static void final_statuses_are_not_tried_again(void **state)
{
    (void)state;
    struct rig *r = rig_new(status_404, quick());
    ask(r, 16);
    finish(r);
    assert_int_equal(count(r, CLIENT_HTTP), 16);
    assert_int_equal(r->server.requests, 1);
    rig_free(r);
}

static bool third_time_good(struct server *s, const struct request *r)
{
    return r->n < 2 ? reply(s, r->fd, "503 Service Unavailable", "") : good(s, r);
}

static void tries_again(void **state)
{
    (void)state;
    struct rig *r = rig_new(third_time_good, patient());
    ask(r, 5);
    finish(r);
    all_own(r);
    assert_int_equal(r->server.requests, 3);
    rig_free(r);
}

static bool busy_at_first(struct server *s, const struct request *r)
{
    if (r->n > 0) return good(s, r);
    return put_text(
        s, r->fd, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
}

static void heeds_retry_after(void **state)
{
    (void)state;
    struct rig *r = rig_new(busy_at_first, patient());
    ask(r, 1);
    finish(r);
    all_own(r);
    assert_true(clock_now_ms() - r->began_ms >= 1000);
    rig_free(r);
    r = rig_new(busy_at_first, quick()); /* a pause beyond the budget: at once */
    ask(r, 1);
    finish(r);
    assert_int_equal(count(r, CLIENT_HTTP), 1);
    assert_int_equal(r->server.requests, 1);
    rig_free(r);
}

static bool chokes_on_poison(struct server *s, const struct request *r)
{
    for (size_t i = 0; i < r->users_n; i++) {
        const json_t *user = json_array_get(json_object_get(r->body, "user"), i);
        if (strcmp(json_string_value(user), "poison") == 0) return status_500(s, r);
    }
    return good(s, r);
}

static void one_bad_ask_does_not_spoil_the_others(void **state)
{
    (void)state;
    struct client_conf conf = patient();
    conf.budget_ms = 3000; /* that the bad one is tried for */
    conf.breaker_failures = 5;
    struct rig *r = rig_new(chokes_on_poison, conf);
    ask(r, 9);
    ask_as(r, "poison", 8);
    ask(r, 22);
    finish(r);
    for (int i = 0; i < r->asked.n; i++)
        if (r->asked.own[i] != (i != 9))
            fail_msg("ask %d: %s", i, client_reason(r->asked.status[i]));
    assert_int_equal(r->asked.status[9], CLIENT_HTTP);
    rig_free(r);
}

static bool broken_until_stage(struct server *s, const struct request *r)
{
    return s->stage ? good(s, r) : reply(s, r->fd, "503 Service Unavailable", "");
}

static void breaker(void **state)
{
    (void)state;
    struct client_conf conf = quick();
    conf.breaker_failures = 3;
    struct rig *r = rig_new(broken_until_stage, conf);
    while (r->server.requests < 3) {
        ask(r, 1);
        finish(r);
    }
    int requests = r->server.requests, failed = r->asked.n;
    int64_t began_ms = clock_now_ms();
    ask(r, 50);
    finish(r);
    for (int i = failed; i < r->asked.n; i++) assert_int_equal(r->asked.status[i], CLIENT_BREAKER);
    assert_int_equal(r->server.requests, requests);
    assert_true(clock_now_ms() - began_ms < 100);
    r->server.stage = 1;
    int before = count(r, CLIENT_GOOD);
    while (count(r, CLIENT_GOOD) == before) { /* until the pause is over and a probe goes through */
        assert_true(r->asked.n < ASKS_MAX);
        ask(r, 1);
        finish(r);
        poll(NULL, 0, 5); /* asks at a pace */
    }
    rig_free(r);
}

/* -- answers that come too late, or that nobody asked for -- */

static bool late_then_good(struct server *s, const struct request *r)
{
    if (r->n > 0) return good(s, r);
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    poll(&p, 1, 10000); /* until the client has given up */
    return good(s, r);
}

static void a_late_reply_answers_nobody(void **state)
{
    (void)state;
    struct client_conf conf = quick();
    conf.connections = 1;
    conf.timeout_ms = conf.budget_ms = 800; /* one attempt */
    struct rig *r = rig_new(late_then_good, conf);
    ask(r, 1);
    finish(r);
    assert_int_equal(r->asked.status[0], CLIENT_TIMEOUT);
    for (int i = 0; i < 5; i++) {
        ask(r, 1);
        finish(r);
    }
    for (int i = 1; i < r->asked.n; i++) assert_true(r->asked.own[i]);
    assert_int_equal(r->server.connections, 2);
    rig_free(r);
}

static bool two_replies(struct server *s, const struct request *r)
{
    char *body = answers(r);
    char *text = mem_printf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s"
                            "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n[[\"foreign\"]]",
                            strlen(body), body);
    bool sent = put_text(s, r->fd, text);
    free(text);
    free(body);
    return sent;
}

static void a_second_reply_answers_nobody(void **state)
{
    (void)state;
    struct client_conf conf = patient();
    conf.connections = 1;
    struct rig *r = rig_new(two_replies, conf);
    for (int i = 0; i < 20; i++) {
        ask(r, 1);
        finish(r);
    }
    all_own(r);
    rig_free(r);
}

static bool another_reply_later(struct server *s, const struct request *r)
{
    good(s, r);
    while (s->stage != r->n + 1) poll(NULL, 0, 1); /* until the client has its answer */
    reply(s, r->fd, "200 OK", "[[\"foreign\"]]");
    s->stage = -1;
    return true;
}

static void a_reply_before_the_request_answers_nobody(void **state)
{
    (void)state;
    struct client_conf conf = patient();
    conf.connections = 1;
    struct rig *r = rig_new(another_reply_later, conf);
    for (int i = 0; i < 5; i++) {
        ask(r, 1);
        finish(r);
        r->server.stage = i + 1;
        while (r->server.stage != -1) poll(NULL, 0, 1);
    }
    all_own(r);
    rig_free(r);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    struct client_conf conf = quick();
    conf.breaker_failures = 1;
    conf.breaker_pause_ms = 60000;
    struct rig *r = rig_new(endless_chunks, conf);
    ask(r, 1);
    finish(r);
    client_free(r->client);
    r->client = NULL;
    server_stop(&r->server);
    assert_int_equal(r->server.requests, 1);
    assert_true(r->server.sent < 16 << 20); /* the cap, and what the sockets' buffers hold */
    server_start(&r->server, good);
    rig_free(r);
}

/* -- leaving -- */

static void drop_forgets_all(void **state)
{
    (void)state;
    struct rig *r = rig_new(hang, patient());
    ask(r, 60); /* in flight, in line and gathering */
    while (r->server.requests < 2) client_poll(r->client, 10);
    client_drop(r->client);
    assert_int_equal(client_pending(r->client), 0);
    client_poll(r->client, 0);
    assert_int_equal(r->asked.left, 60);
    r->server.script = good;
    r->asked.n = r->asked.left = 0;
    ask(r, 1);
    finish(r);
    all_own(r);
    rig_free(r);
}

static void refused_settings(void **state)
{
    (void)state;
    static const char *const urls[] = {"",
                                       "ftp://127.0.0.1",
                                       "file:///etc/passwd",
                                       "127.0.0.1:8000x",
                                       "http://",
                                       "http://u:secret@127.0.0.1:1"};
    static const char *const algorithms[] = {"", "a/b", "a b", "..", "a?b"};
    struct metrics *m = metrics_new();
    struct client_conf conf = quick();
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct err e = {0};
        conf.url = (char *)urls[i];
        if (client_new(&conf, m, &e)) fail_msg("taken: %s", urls[i]);
        assert_int_equal(e.status, ERR_REFUSED);
        assert_null(strstr(e.text, "secret"));
    }
    conf.url = (char *)"http://127.0.0.1:1";
    for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
        struct err e = {0};
        conf.algorithm = (char *)algorithms[i];
        if (client_new(&conf, m, &e)) fail_msg("taken: %s", algorithms[i]);
        assert_int_equal(e.status, ERR_REFUSED);
    }
    metrics_free(m);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_and_keeps_connections),
        cmocka_unit_test(groups_by_n_rec),
        cmocka_unit_test(room),
        cmocka_unit_test(ignores_proxies_of_the_environment),
        cmocka_unit_test(survives_closed_connections),
        cmocka_unit_test(every_failure_has_its_reason),
        cmocka_unit_test(refused_connection),
        cmocka_unit_test(final_statuses_are_not_tried_again),
        cmocka_unit_test(tries_again),
        cmocka_unit_test(heeds_retry_after),
        cmocka_unit_test(one_bad_ask_does_not_spoil_the_others),
        cmocka_unit_test(breaker),
        cmocka_unit_test(a_late_reply_answers_nobody),
        cmocka_unit_test(a_second_reply_answers_nobody),
        cmocka_unit_test(a_reply_before_the_request_answers_nobody),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(drop_forgets_all),
        cmocka_unit_test(refused_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
