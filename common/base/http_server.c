#include "base/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
    CONNECTIONS_MAX = 64,
    SILENCE_MAX_S = 10,
    WATCH_MS = 100,
    HEADER_MAX_BYTES = 32 * 1024, /* libmicrohttpd's memory for one connection */
    BACKLOG = 64,
    ERROR_MAX_BYTES = 200,
};

/* One connection, and since when its present request is on the way. */
struct guest {
    int fd; /* of libmicrohttpd; -1 = nobody */
    int64_t since_ms;
};

struct http_server {
    struct http_server_conf conf; /* without listen */
    struct MHD_Daemon *mhd;       /* own */
    int port;
    pthread_mutex_t lock; /* of the guests */
    struct guest guests[CONNECTIONS_MAX];
    pthread_t watchman;
    int leave_fd; /* own: tells the watchman to leave */
};

/* --- the address --- */

static bool refuse_address(const char *listen_text, struct err *e)
{
    return err_refuse(
        e,
        "http.listen = \"%s\": expected an address like 127.0.0.1:9101 or [::1]:9101, port 0 = "
        "any",
        listen_text);
}

/* Splits "host:port" or "[host]:port". The caller frees *ret_host. */
static bool split(const char *text, char **ret_host, const char **ret_port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text) return false;
    const char *from = text, *to = colon;
    bool v6 = text[0] == '[';
    if (v6 && to[-1] != ']') return false;
    if (v6) from++, to--;
    if (!v6 && memchr(from, ':', (size_t)(to - from))) return false;
    int64_t port;
    if (!str_int64(str_of(colon + 1), &port) || port < 0 || port > 65535) return false;
    *ret_host = mem_dup(from, (size_t)(to - from));
    *ret_port = colon + 1;
    return true;
}

static struct addrinfo *resolve(const char *text, struct err *e)
{
    char *host = NULL;
    const char *port = NULL;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (!split(text, &host, &port) || getaddrinfo(host, port, &hints, &found) != 0)
        refuse_address(text, e);
    free(host);
    return found;
}

bool http_server_check(const char *listen_text, struct err *e)
{
    struct addrinfo *a = resolve(listen_text, e);
    if (a) freeaddrinfo(a);
    return a != NULL;
}

/* A listening socket; -1 with e set. */
static int open_socket(const char *text, struct err *e)
{
    struct addrinfo *a = resolve(text, e);
    if (!a) return -1;
    const int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    if (!good)
        err_refuse(e, "http.listen = \"%s\": %s; set another address", text, strerror(errno));
    if (!good && fd >= 0) close(fd);
    freeaddrinfo(a);
    return good ? fd : -1;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int failed = getsockname(fd, (struct sockaddr *)&address, &len);
    assert(!failed);
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

/* --- time ---
 *
 * libmicrohttpd bounds silence alone: whoever sends or takes a byte now and then may stay for ever, and a few such
 * guests fill the house. So the watchman shuts the connection of each whose request takes too long. */

static void show_out(struct http_server *s, int64_t now_ms)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct guest *g = &s->guests[i];
        if (g->fd >= 0 && now_ms - g->since_ms > s->conf.request_max_ms) shutdown(g->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&s->lock);
}

static void *watch(void *self)
{
    struct http_server *s = self;
    struct pollfd leave = {.fd = s->leave_fd, .events = POLLIN};
    while (poll(&leave, 1, WATCH_MS) <= 0) show_out(s, clock_now_ms());
    return NULL;
}

static struct guest *welcome(struct http_server *s, int fd)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct guest *g = &s->guests[i];
        if (g->fd >= 0) continue;
        *g = (struct guest){fd, clock_now_ms()};
        return g;
    }
    shutdown(fd, SHUT_RDWR); /* more than libmicrohttpd was told to let in */
    return NULL;
}

static int socket_of(struct MHD_Connection *c)
{
    return MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static void come_and_go(void *self, struct MHD_Connection *c, void **guest,
                        enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = self;
    struct guest *g = *guest;
    pthread_mutex_lock(&s->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *guest = welcome(s, socket_of(c));
    else if (g)
        g->fd = -1;
    pthread_mutex_unlock(&s->lock);
}

/* The next request's time begins. */
static void served(struct http_server *s, struct MHD_Connection *c)
{
    struct guest *g =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    pthread_mutex_lock(&s->lock);
    if (g) g->since_ms = clock_now_ms();
    pthread_mutex_unlock(&s->lock);
}

/* --- one request --- */

/* libmicrohttpd calls answer() once with the header, then with each piece of the body, then with none. */
struct request {
    struct buf body;
};

static void add_headers(struct MHD_Response *r, struct http_reply *reply)
{
    for (size_t i = 0; i < COUNT_OF(reply->headers) && reply->headers[i].name; i++) {
        MHD_add_response_header(r, reply->headers[i].name, reply->headers[i].value);
        free(reply->headers[i].value);
    }
}

static enum MHD_Result send_reply(struct MHD_Connection *c, struct http_reply *reply)
{
    bool empty = reply->body.len == 0;
    struct MHD_Response *r =
        MHD_create_response_from_buffer(reply->body.len, empty ? (void *)"" : reply->body.at,
                                        empty ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_COPY);
    buf_finish(&reply->body);
    if (!r) return MHD_NO; /* out of memory */
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    add_headers(r, reply);
    if (reply->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST");
    enum MHD_Result queued = MHD_queue_response(c, (unsigned)reply->status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result send_error(struct MHD_Connection *c, int status, const char *text)
{
    struct http_reply reply = {.status = status, .content_type = "application/json"};
    buf_init(&reply.body, ERROR_MAX_BYTES);
    buf_printf(&reply.body, "{\"detail\":\"%s\"}", text);
    return send_reply(c, &reply);
}

static bool method_known(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "POST") == 0;
}

static bool announced_too_long(struct MHD_Connection *c, size_t max)
{
    const char *text =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t len;
    return text && (!str_int64(str_of(text), &len) || len < 0 || (uint64_t)len > max);
}

static enum MHD_Result begin(const struct http_server *s, struct MHD_Connection *c,
                             const char *method, struct request **ret_request)
{
    if (!method_known(method))
        return send_error(c, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed");
    if (announced_too_long(c, s->conf.body_max_bytes))
        return send_error(c, MHD_HTTP_CONTENT_TOO_LARGE, "the request is too large");
    *ret_request = mem_zero(1, sizeof **ret_request);
    buf_init(&(*ret_request)->body, s->conf.body_max_bytes);
    return MHD_YES;
}

static enum MHD_Result serve(const struct http_server *s, struct MHD_Connection *c,
                             const struct http_request *request)
{
    struct http_reply reply = {.status = 200, .content_type = "text/plain"};
    buf_init(&reply.body, s->conf.reply_max_bytes);
    s->conf.handler(s->conf.ctx, request, &reply);
    if (!reply.body.overflow) return send_reply(c, &reply);
    buf_finish(&reply.body);
    return send_error(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "the reply is too large");
}

static enum MHD_Result answer(void *self, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *piece,
                              size_t *piece_bytes, void **state)
{
    (void)version;
    const struct http_server *s = self;
    struct request *r = *state;
    if (!r) return begin(s, c, method, (struct request **)state);
    if (*piece_bytes) {
        buf_add(&r->body, piece, *piece_bytes);
        *piece_bytes = 0;
        return r->body.overflow ? MHD_NO : MHD_YES; /* in chunks and too long: hang up */
    }
    struct http_request request = {strcmp(method, "HEAD") == 0 ? "GET" : method, url,
                                   buf_str(&r->body)};
    return serve(s, c, &request);
}

static void completed(void *self, struct MHD_Connection *c, void **state,
                      enum MHD_RequestTerminationCode why)
{
    (void)why;
    struct request *r = *state;
    served(self, c);
    if (!r) return;
    buf_finish(&r->body);
    free(r);
    *state = NULL;
}

/* --- the server --- */

static struct MHD_Daemon *start(struct http_server *s, int fd)
{
    unsigned threads = s->conf.threads > 1 ? (unsigned)s->conf.threads : 0;
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_MAX_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_MAX_BYTES, NULL},
        {threads ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer,
                            s, MHD_OPTION_NOTIFY_COMPLETED, completed, s,
                            MHD_OPTION_NOTIFY_CONNECTION, come_and_go, s, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_END);
}

MUST_CHECK static bool post_watchman(struct http_server *s, struct err *e)
{
    pthread_mutex_init(&s->lock, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) s->guests[i].fd = -1;
    s->leave_fd = eventfd(0, EFD_CLOEXEC);
    int failed = s->leave_fd < 0 ? errno : pthread_create(&s->watchman, NULL, watch, s);
    if (!failed) return true;
    close(s->leave_fd);
    pthread_mutex_destroy(&s->lock);
    return err_set(e, "http.listen: nobody to watch its clients: %s", strerror(failed));
}

static void dismiss_watchman(struct http_server *s)
{
    eventfd_write(s->leave_fd, 1);
    pthread_join(s->watchman, NULL);
    close(s->leave_fd);
    pthread_mutex_destroy(&s->lock);
}

struct http_server *http_server_new(const struct http_server_conf *conf, struct err *e)
{
    int fd = open_socket(conf->listen, e);
    if (fd < 0) return NULL;
    struct http_server *s = mem_zero(1, sizeof *s);
    s->conf = *conf;
    s->conf.listen = NULL;
    s->port = port_of(fd);
    if (post_watchman(s, e)) {
        s->mhd = start(s, fd);
        if (s->mhd) return s;
        err_set(e, "http.listen = \"%s\": the server does not start: %s", conf->listen,
                strerror(errno));
        dismiss_watchman(s);
    }
    close(fd);
    free(s);
    return NULL;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_free(struct http_server *s)
{
    if (!s) return;
    MHD_stop_daemon(s->mhd);
    dismiss_watchman(s);
    free(s);
}
