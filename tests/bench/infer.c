/* An inference service that does nothing: as many lists of 8 items as there are users, after DELAY_MS. A thread per connection;
 * it stops when its standard input ends.
 *
 *     infer PORT DELAY_MS */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUEST_BYTES = 1 << 20, USERS_MAX = 10000 };

static const char one[] = "[\"a1\",\"b22\",\"c333\",\"d4444\",\"e55555\",\"f66\",\"g7\",\"h8\"]";
static long delay_us;

/* Reads one request into text; -> its body, NULL = the connection has ended. */
static char *request(int fd, char *text)
{
    size_t n = 0, wanted = REQUEST_BYTES;
    char *body = NULL;
    while (!body || n < wanted) {
        ssize_t more = read(fd, text + n, REQUEST_BYTES - 1 - n);
        if (more <= 0) return NULL;
        text[n += (size_t)more] = '\0';
        if (body || !(body = strstr(text, "\r\n\r\n"))) continue;
        body += 4;
        const char *length = strcasestr(text, "content-length:");
        wanted = (size_t)(body - text) + (length ? strtoul(length + 15, NULL, 10) : 0);
    }
    return body;
}

/* {"user": [...], ...: users are separated by commas and hold none. */
static int user_n(const char *body)
{
    const char *at = strstr(body, "\"user\""), *stop = at ? strchr(at, ']') : NULL;
    int n = 1;
    for (at = at ? strchr(at, '[') : NULL; at && at < stop; at++) n += *at == ',';
    return n < USERS_MAX ? n : USERS_MAX;
}

static void answer(int fd, int n, char *out)
{
    size_t body_len = (size_t)n * sizeof one + 1; /* n lists, n - 1 commas, two brackets */
    int at = sprintf(
        out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n[",
        body_len);
    for (int i = 0; i < n; i++) at += sprintf(out + at, i ? ",%s" : "%s", one);
    out[at++] = ']';
    for (int sent = 0; sent < at;) {
        ssize_t more = write(fd, out + sent, (size_t)(at - sent));
        if (more <= 0) return;
        sent += (int)more;
    }
}

static void *serve(void *opaque)
{
    int fd = (int)(intptr_t)opaque;
    char *text = malloc(REQUEST_BYTES), *out = malloc(USERS_MAX * sizeof one + 200);
    for (char *body; (body = request(fd, text));) {
        if (delay_us) usleep((useconds_t)delay_us);
        answer(fd, user_n(body), out);
    }
    free(text);
    free(out);
    close(fd);
    return NULL;
}

static void *watch(void *opaque)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
    exit(0);
    return opaque;
}

int main(int argc, char **argv)
{
    if (argc != 3) return fprintf(stderr, "usage: infer PORT DELAY_MS\n"), 1;
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)atoi(argv[1])),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    delay_us = atol(argv[2]) * 1000;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 64))
        return perror("infer"), 1;
    pthread_create(&thread, NULL, watch, NULL);
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0) pthread_detach(thread);
    }
    return 0;
}
