/* A small HTTP/1.1 server on a thread of its own (libmicrohttpd), bounded in connections, header and
 * body size and time. */
#ifndef WEIR_BASE_HTTP_SERVER_H
#define WEIR_BASE_HTTP_SERVER_H

#include "base/buf.h"
#include "base/err.h"

struct http_request {
    const char *method, *path; /* NUL-terminated, borrowed */
    struct str body;           /* borrowed for the call */
};

struct http_reply_header {
    const char *name; /* static text; NULL = none */
    char *value;      /* own */
};

struct http_reply {
    int status;                          /* 200 unless set */
    const char *content_type;            /* static text; "text/plain" unless set */
    struct buf body;                     /* written by the handler */
    struct http_reply_header headers[2]; /* more of them */
};

/* Called on the server's threads, several at a time if threads > 1. */
typedef void http_handler(void *ctx, const struct http_request *request, struct http_reply *reply);

struct http_server_conf {
    const char *listen;     /* "127.0.0.1:9101", "[::1]:0"; port 0 = any free */
    int threads;            /* of the server; 0 means 1 */
    size_t body_max_bytes;  /* larger requests are answered 413 */
    size_t reply_max_bytes; /* larger replies are answered 500 */
    int64_t request_max_ms; /* who takes longer to send a request and take its reply is cut off */
    http_handler *handler;
    void *ctx; /* ref in caller */
};

struct http_server;

/* http_server_check refuses what is not an address to listen on. */
MUST_CHECK bool http_server_check(const char *listen, struct err *e);

/* http_server_new listens and serves at once; NULL with e set when the address cannot be had. */
MUST_CHECK struct http_server *http_server_new(const struct http_server_conf *conf, struct err *e);

/* http_server_port returns the port in use. */
int http_server_port(const struct http_server *s);

/* http_server_free stops serving, waits for running handlers. NULL is fine. */
void http_server_free(struct http_server *s);

#endif
