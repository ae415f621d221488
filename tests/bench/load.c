/* POSTs the same bodies again and again over connections that stay open, and says how long the answers took.
 * RATE 0: each connection asks as soon as it has its answer. Otherwise so many questions are due each second,
 * evenly; a question's time begins when it is due, also if no connection is free then.
 *
 *     bench-load PORT PATH BODIES CONNECTIONS SECONDS RATE
 *
 * BODIES has a body in each line. One thread; it sleeps when nothing is to be done. */
#include <arpa/inet.h>
#include <errno.h>

#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"

enum { CONNECTIONS_MAX = 64, BODIES_MAX = 4096, REQUEST_BYTES = 1 << 17, REPLY_BYTES = 1 << 20 };
enum { SLOTS = 100000, SLOT_US = 2 }; /* of latencies: up to 200 ms */

struct connection {
    int fd;
    bool busy;
    int64_t due_ns;
    size_t got; /* bytes of the reply */
    char *reply;
};

static struct connection connections[CONNECTIONS_MAX];
static struct {
    char *at;
    size_t len;
} requests[BODIES_MAX];
static size_t connections_n, requests_n, asked_n, answered_n, failed_n;
static uint32_t slots[SLOTS];

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void read_bodies(const char *path, const char *file)
{
    FILE *f = fopen(file, "r");
    char *line = NULL;
    size_t cap = 0;
    if (!f) FLOOR_DIE("%s: %s", file, strerror(errno));
    for (ssize_t n; requests_n < BODIES_MAX && (n = getline(&line, &cap, f)) > 1;) {
        char *text = malloc(REQUEST_BYTES);
        int len = snprintf(text, REQUEST_BYTES,
                           "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                           "application/json\r\nContent-Length: %zd\r\n\r\n%.*s",
                           path, n - 1, (int)(n - 1), line);
        requests[requests_n].at = text;
        requests[requests_n++].len = (size_t)len;
    }
    if (requests_n == 0) FLOOR_DIE("%s: no body", file);
    free(line);
    fclose(f);
}

static void connect_one(struct connection *c, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    c->reply = malloc(REPLY_BYTES);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to))
        FLOOR_DIE("connect: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/* Requests are smaller than a socket's buffer. */
static void ask(struct connection *c, int64_t due_ns)
{
    size_t i = asked_n++ % requests_n;
    c->busy = true;
    c->due_ns = due_ns;
    c->got = 0;
    if (write(c->fd, requests[i].at, requests[i].len) != (ssize_t)requests[i].len)
        FLOOR_DIE("write: %s", strerror(errno));
}

static bool is_whole(struct connection *c)
{
    c->reply[c->got] = '\0';
    char *end = strstr(c->reply, "\r\n\r\n"), *length = strcasestr(c->reply, "content-length:");
    if (!end || !length || length > end) return false;
    return c->got >= (size_t)(end + 4 - c->reply) + strtoul(length + 15, NULL, 10);
}

static void take(struct connection *c)
{
    ssize_t n = read(c->fd, c->reply + c->got, REPLY_BYTES - 1 - c->got);
    if (n <= 0) FLOOR_DIE("the server hung up: %s", n ? strerror(errno) : "end");
    c->got += (size_t)n;
    if (!is_whole(c)) return;
    int64_t us = (now_ns() - c->due_ns) / 1000 / SLOT_US;
    slots[us < SLOTS ? us : SLOTS - 1]++;
    answered_n++;
    failed_n += strncmp(c->reply, "HTTP/1.1 200", 12) != 0;
    c->busy = false;
}

static struct connection *idle(void)
{
    for (size_t i = 0; i < connections_n; i++)
        if (!connections[i].busy) return &connections[i];
    return NULL;
}

/* Waits for a reply, or until it is time. */
static void look(int64_t until_ns)
{
    struct pollfd fds[CONNECTIONS_MAX];
    int64_t left = until_ns - now_ns();
    if (left < 0) left = 0;
    for (size_t i = 0; i < connections_n; i++)
        fds[i] = (struct pollfd){connections[i].busy ? connections[i].fd : -1, POLLIN, 0};
    ppoll(fds, connections_n, &(struct timespec){left / 1000000000, left % 1000000000}, NULL);
    for (size_t i = 0; i < connections_n; i++)
        if (fds[i].revents) take(&connections[i]);
}

static void run(int64_t begun_ns, int64_t end_ns, double rate)
{
    int64_t step_ns = rate > 0 ? (int64_t)(1e9 / rate) : 0, due_ns = begun_ns, now;
    while ((now = now_ns()) < end_ns) {
        struct connection *c;
        while ((c = idle()) && due_ns <= now) {
            ask(c, step_ns ? due_ns : now);
            due_ns += step_ns;
        }
        look(c && step_ns ? due_ns : end_ns);
    }
}

static double quantile_us(double q)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SLOTS; i++)
        if ((double)(sum += slots[i]) >= q * (double)answered_n) return (double)((i + 1) * SLOT_US);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 7) FLOOR_DIE("usage: bench-load PORT PATH BODIES CONNECTIONS SECONDS RATE");
    connections_n = (size_t)atoi(argv[4]);
    if (connections_n < 1 || connections_n > CONNECTIONS_MAX) FLOOR_DIE("1 to 64 connections");
    read_bodies(argv[2], argv[3]);
    for (size_t i = 0; i < connections_n; i++) connect_one(&connections[i], atoi(argv[1]));
    prctl(PR_SET_TIMERSLACK, 1UL); /* or each question is asked up to 50 us after it is due */
    int64_t begun = now_ns();
    run(begun, begun + (int64_t)(atof(argv[5]) * 1e9), atof(argv[6]));
    printf("{\"answered\": %zu, \"failed\": %zu, \"seconds\": %.3f, \"p50_us\": %.0f, \"p90_us\": "
           "%.0f, "
           "\"p99_us\": %.0f}\n",
           answered_n, failed_n, (double)(now_ns() - begun) / 1e9, quantile_us(0.5),
           quantile_us(0.9), quantile_us(0.99));
    return 0;
}
