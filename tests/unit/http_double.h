/* An HTTP server for tests: a thread for each connection, and a script that answers each
 * request, well or badly. */
#ifndef WEIR_TESTS_HTTP_DOUBLE_H
#define WEIR_TESTS_HTTP_DOUBLE_H

#include <arpa/inet.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 1 << 20, CONNECTIONS_MAX = 256 };

struct server;

struct request {
    int fd, n;    /* the n-th request of the server, from 0 */
    json_t *body; /* checked: an object with user, item and n_rec */
    size_t users_n;
};

/* Answers; false = the connection ends. */
typedef bool script(struct server *s, const struct request *r);

struct server {
    script *script;
    int fd, port;
    pthread_t acceptor, workers[CONNECTIONS_MAX];
    int fds[CONNECTIONS_MAX];
    atomic_int connections, requests, users_max, stage;
    atomic_llong sent;
    atomic_bool bad_request;
};

struct worker {
    struct server *server;
    int fd;
};

static inline bool put(struct server *s, int fd, const char *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t k = send(fd, bytes + done, n - done, MSG_NOSIGNAL);
        if (k <= 0) return false;
        done += (size_t)k;
        s->sent += k;
    }
    return true;
}

static inline bool put_text(struct server *s, int fd, const char *text)
{
    return put(s, fd, text, strlen(text));
}

/* Blocks until the client hangs up. */
static inline bool wait_for_hangup(int fd)
{
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
    return false;
}

/* A whole request, its header and then as much body as it announces; false = the client hung up. */
static inline bool read_request(int fd, char *text, char **ret_body)
{
    size_t n = 0, want = REQUEST_MAX;
    *ret_body = NULL;
    while (n < want) {
        ssize_t k = recv(fd, text + n, REQUEST_MAX - n, 0);
        if (k <= 0) return false;
        n += (size_t)k;
        text[n] = '\0';
        char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "Content-Length:");
        if (!end || !length) continue;
        *ret_body = end + 4;
        want = (size_t)(end + 4 - text) + strtoul(length + 15, NULL, 10);
    }
    return n == want;
}

static inline bool check_request(struct server *s, const char *text, struct request *r)
{
    const json_t *users = json_object_get(r->body, "user"),
                 *items = json_object_get(r->body, "item");
    bool good = strncmp(text, "POST /algo HTTP/1.1\r\n", 21) == 0 && json_is_array(users) &&
                json_array_size(users) == json_array_size(items) &&
                json_is_integer(json_object_get(r->body, "n_rec")) &&
                !strcasestr(text, "\r\nExpect:") && !strcasestr(text, "\r\nAccept-Encoding:");
    r->users_n = json_array_size(users);
    if (!good) s->bad_request = true;
    if ((int)r->users_n > s->users_max) s->users_max = (int)r->users_n;
    return good;
}

static inline void *serve_connection(void *arg)
{
    struct worker w = *(struct worker *)arg;
    free(arg);
    char *text = malloc(REQUEST_MAX + 1), *body;
    bool more = true;
    while (more && read_request(w.fd, text, &body)) {
        struct request r = {.fd = w.fd, .body = json_loads(body, 0, NULL)};
        more = check_request(w.server, text, &r);
        r.n = w.server->requests++;
        more = more && w.server->script(w.server, &r);
        json_decref(r.body);
    }
    free(text);
    shutdown(w.fd, SHUT_RDWR);
    return NULL;
}

static inline void *accept_all(void *arg)
{
    struct server *s = arg;
    for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0;) {
        struct worker *w = malloc(sizeof *w);
        *w = (struct worker){s, fd};
        int i = s->connections;
        if (i == CONNECTIONS_MAX) abort();
        s->fds[i] = fd;
        pthread_create(&s->workers[i], NULL, serve_connection, w);
        s->connections++;
    }
    return NULL;
}

static inline void server_start(struct server *s, script *play)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    memset(s, 0, sizeof *s);
    s->script = play;
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(s->fd, (struct sockaddr *)&a, len) != 0 || listen(s->fd, 64) != 0 ||
        getsockname(s->fd, (struct sockaddr *)&a, &len) != 0 ||
        pthread_create(&s->acceptor, NULL, accept_all, s) != 0)
        abort();
    s->port = ntohs(a.sin_port);
}

static inline void server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->acceptor, NULL);
    close(s->fd);
    for (int i = 0; i < s->connections; i++) {
        shutdown(s->fds[i], SHUT_RDWR);
        pthread_join(s->workers[i], NULL);
        close(s->fds[i]);
    }
    if (s->bad_request) abort(); /* the client does not keep the contract */
}

static inline bool reply(struct server *s, int fd, const char *status, const char *body)
{
    char head[200];
    snprintf(head, sizeof head,
             "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status,
             strlen(body));
    return put_text(s, fd, head) && put_text(s, fd, body);
}

/* What a good service answers: for user u the item "for-u". */
static inline char *answers(const struct request *r)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < r->users_n; i++) {
        const json_t *user = json_array_get(json_object_get(r->body, "user"), i);
        json_array_append_new(rows,
                              json_pack("[o]", json_sprintf("for-%s", json_string_value(user))));
    }
    char *text = json_dumps(rows, 0);
    json_decref(rows);
    return text;
}

static inline bool good(struct server *s, const struct request *r)
{
    char *body = answers(r);
    bool sent = reply(s, r->fd, "200 OK", body);
    free(body);
    return sent;
}

#endif
