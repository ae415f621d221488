#include "inference-client/post.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    HEADERS_MAX_BYTES = 64 << 10,
    WAIT_MAX_MS = 60000,
    IDLE_MAX_S = 2, /* gunicorn closes kept-alive connections after 2 s, uvicorn after 5 s */
};

struct transfer {
    struct post *post; /* ref */
    CURL *easy;        /* own */
    bool busy;
    void *ticket;
    struct buf request, reply;
    size_t header_bytes;
    struct buf model, version; /* headers */
    char text[CURL_ERROR_SIZE];
};

struct post {
    CURLM *multi;               /* own */
    struct curl_slist *headers; /* own */
    struct transfer *transfers; /* own */
    size_t n, idle;
    int *sockets; /* own; all open ones */
    size_t sockets_n, sockets_cap;
    post_done *done;
    void *ctx;
};

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static bool check_url(const char *text, struct err *e)
{
    CURLU *url = curl_url();
    bool web = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
    bool good = web && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                !has_part(url, CURLUPART_PASSWORD) && !has_part(url, CURLUPART_QUERY) &&
                !has_part(url, CURLUPART_FRAGMENT);
    curl_url_cleanup(url);
    if (good) return true;
    return err_refuse(e,
                      "infer.url: want http://host:port or https://host:port without a password");
}

/* The caller frees it. */
static char *join_url(const char *url, const char *path)
{
    size_t len = strlen(url);
    while (url[len - 1] == '/') len--;
    return mem_printf("%.*s/%s", (int)len, url, path);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    buf_add(&t->reply, bytes, size * n);
    return t->reply.overflow ? 0 : size * n;
}

static void take_header(struct buf *to, struct str line, const char *name)
{
    size_t len = strlen(name);
    if (line.len <= len || strncasecmp(line.at, name, len) != 0 || line.at[len] != ':') return;
    buf_clear(to);
    buf_add(to, line.at + len + 1, line.len - len - 1);
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    struct str line = {bytes, size * n};
    t->header_bytes += line.len;
    if (t->header_bytes > HEADERS_MAX_BYTES) return 0;
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r')) line.len--;
    take_header(&t->model, line, "Weir-Model");
    take_header(&t->version, line, "Weir-Model-Version");
    return size * n;
}

/* -- stray bytes: libcurl 7.88 takes a kept-alive connection into use although bytes wait on it.
 * Nobody asked for them, and they would pass for the reply to the request that is about to be
 * sent. So we know our sockets, and look at the one in question before each request. */

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct post *p = arg;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    p->sockets = mem_grow(p->sockets, p->sockets_n, &p->sockets_cap, sizeof p->sockets[0]);
    p->sockets[p->sockets_n++] = fd;
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct post *p = arg;
    for (size_t i = 0; i < p->sockets_n; i++)
        if (p->sockets[i] == fd) p->sockets[i] = p->sockets[--p->sockets_n];
    return close(fd);
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a = {0};
    socklen_t len = sizeof a;
    if (getsockname(fd, &a.any, &len) < 0) return -1;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static bool bytes_wait(const struct post *p, int local_port)
{
    for (size_t i = 0; i < p->sockets_n; i++) {
        struct pollfd s = {.fd = p->sockets[i], .events = POLLIN};
        if (port_of(s.fd) == local_port && poll(&s, 1, 0) > 0 && s.revents & POLLIN) return true;
    }
    return false;
}

static int before_request(void *arg, char *remote, char *local, int remote_port, int local_port)
{
    (void)remote, (void)local, (void)remote_port;
    const struct transfer *t = arg;
    long connects = 0;
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    bool reused = connects == 0; /* on a new one, TLS has bytes of its own */
    return reused && bytes_wait(t->post, local_port) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void must(CURLcode code)
{
    assert(code == CURLE_OK); /* constant options of the library that we link */
    (void)code;
}

static void transfer_init(struct transfer *t, struct post *p, const char *url)
{
    t->post = p;
    buf_init(&t->model, HEADERS_MAX_BYTES);
    buf_init(&t->version, HEADERS_MAX_BYTES);
    CURL *easy = t->easy = curl_easy_init();
    assert(easy);
    must(curl_easy_setopt(easy, CURLOPT_URL, url));
    must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    must(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1));
    must(curl_easy_setopt(easy, CURLOPT_PROXY, ""));
    must(curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
    must(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    must(curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX_S));
    must(curl_easy_setopt(easy, CURLOPT_POST, 1L));
    must(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, p->headers));
    must(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
    must(curl_easy_setopt(easy, CURLOPT_WRITEDATA, t));
    must(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
    must(curl_easy_setopt(easy, CURLOPT_HEADERDATA, t));
    must(curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open));
    must(curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, p));
    must(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close));
    must(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, p));
    must(curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request));
    must(curl_easy_setopt(easy, CURLOPT_PREREQDATA, t));
    must(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->text));
    must(curl_easy_setopt(easy, CURLOPT_PRIVATE, t));
}

struct post *post_new(const char *url, const char *path, size_t connections, post_done *done,
                      void *ctx, struct err *e)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!check_url(url, e)) {
        curl_global_cleanup();
        return NULL;
    }
    struct post *p = mem_zero(1, sizeof *p);
    *p = (struct post){.n = connections, .idle = connections, .done = done, .ctx = ctx};
    p->headers = curl_slist_append(NULL, "Content-Type: application/json");
    p->headers = curl_slist_append(p->headers, "Accept: application/json");
    p->headers = curl_slist_append(p->headers, "Expect:"); /* none: it costs a round trip */
    p->multi = curl_multi_init();
    assert(p->multi);
    curl_multi_setopt(p->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    p->transfers = mem_zero(connections, sizeof p->transfers[0]);
    char *whole = join_url(url, path);
    for (size_t i = 0; i < connections; i++) transfer_init(&p->transfers[i], p, whole);
    free(whole);
    return p;
}

static void stop(struct post *p, struct transfer *t)
{
    curl_multi_remove_handle(p->multi,
                             t->easy); /* closes the connection of an unfinished transfer */
    t->busy = false;
    p->idle++;
}

void *post_drop(struct post *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!p->transfers[i].busy) continue;
        stop(p, &p->transfers[i]);
        return p->transfers[i].ticket;
    }
    return NULL;
}

void post_free(struct post *p)
{
    if (!p) return;
    assert(p->idle == p->n);
    for (size_t i = 0; i < p->n; i++) {
        curl_easy_cleanup(p->transfers[i].easy);
        buf_finish(&p->transfers[i].request);
        buf_finish(&p->transfers[i].reply);
        buf_finish(&p->transfers[i].model);
        buf_finish(&p->transfers[i].version);
    }
    curl_multi_cleanup(p->multi);
    curl_slist_free_all(p->headers);
    free(p->transfers);
    free(p->sockets);
    free(p);
    curl_global_cleanup();
}

size_t post_idle(const struct post *p)
{
    return p->idle;
}

static struct transfer *idle_transfer(struct post *p)
{
    assert(p->idle > 0);
    struct transfer *t = p->transfers;
    while (t->busy) t++;
    return t;
}

void post_start(struct post *p, void *ticket, struct buf *body, int64_t timeout_ms,
                size_t reply_max)
{
    struct transfer *t = idle_transfer(p);
    t->busy = true;
    p->idle--;
    t->ticket = ticket;
    struct buf sent = t->request;
    t->request = *body;
    *body = (struct buf){.at = sent.at, .cap = sent.cap, .max = body->max};
    buf_clear(&t->reply);
    t->reply.max = reply_max;
    buf_clear(&t->model);
    buf_clear(&t->version);
    t->header_bytes = 0;
    t->text[0] = '\0';
    must(curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->request.at));
    must(curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->request.len));
    must(curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : 1)));
    CURLMcode code = curl_multi_add_handle(p->multi, t->easy);
    assert(code == CURLM_OK);
    (void)code;
}

static enum client_status status_of(CURLcode code, long http_status)
{
    switch (code) {
    case CURLE_OK: return http_status == 200 ? CLIENT_GOOD : CLIENT_HTTP;
    case CURLE_OPERATION_TIMEDOUT: return CLIENT_TIMEOUT;
    case CURLE_WRITE_ERROR: return CLIENT_OVERSIZED;
    default: return CLIENT_UNREACHABLE;
    }
}

static void finish(struct post *p, struct transfer *t, CURLcode code)
{
    struct post_result r = {.text = t->text[0] ? t->text : curl_easy_strerror(code)};
    curl_off_t retry_after_s = 0, took_us = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &r.http_status);
    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &took_us);
    r.status = status_of(code, r.http_status);
    r.retry_after_ms = retry_after_s < INT32_MAX ? retry_after_s * 1000 : INT32_MAX;
    r.took_us = took_us;
    if (r.status == CLIENT_GOOD) r.body = buf_str(&t->reply);
    if (t->model.len) r.model = buf_str(&t->model);
    if (t->version.len) r.version = buf_str(&t->version);
    p->done(p->ctx, t->ticket, &r); /* lends the reply: only then may the transfer be used again */
    stop(p, t);
}

void post_poll(struct post *p, int64_t wait_ms)
{
    if (wait_ms > WAIT_MAX_MS) wait_ms = WAIT_MAX_MS;
    if (wait_ms > 0) curl_multi_poll(p->multi, NULL, 0, (int)wait_ms, NULL);
    int running, queued;
    curl_multi_perform(p->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &queued));) {
        if (m->msg != CURLMSG_DONE) continue;
        CURLcode code = m->data.result;
        struct transfer *t;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        finish(p, t, code);
    }
}
