#include "io/client_redis.h"

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/buf.h"
#include "base/mem.h"

#define ROW(key, kind, fallback, help, field, ...)                                                 \
    {                                                                                              \
        "redis", key, kind, fallback, help, offsetof(struct client_redis_conf, field), __VA_ARGS__ \
    }

const struct config_row client_redis_rows[] = {
    ROW("address", CONFIG_STR, "127.0.0.1:6379", "where Redis is: host:port, or unix:/path",
        address, 0),
    ROW("user", CONFIG_STR, "", "user, if not the default one", user, 0),
    ROW("password_file", CONFIG_SECRET, "", "a file with the user's password", password, 0),
    ROW("key", CONFIG_STR, "{weir:popular}", "the key of the ranking; braces keep all in one slot",
        key, 0),
    ROW("timeout", CONFIG_DURATION, "2s", "how long to wait for an answer", timeout_ms, 10, 60000),
    {0},
};

/* The codes that are counted by name; the last two stand for all others and for a connection that was lost. */
static const char *const codes[] = {"READONLY",  "OOM",    "MISCONF",   "LOADING", "NOAUTH",
                                    "WRONGPASS", "NOPERM", "WRONGTYPE", "other",   "connection"};
enum { CODE_N = COUNT_OF(codes), CODE_CONNECTION = CODE_N - 1, CODE_OTHER = CODE_N - 2 };

struct client_redis {
    const struct client_redis_conf *conf; /* ref in caller */
    char *name;                           /* own */
    char *host;                           /* own: name, address or path */
    int port;                             /* 0 = a Unix socket */
    redisContext *link;                   /* own; NULL = not connected */
    redisReply *reply;                    /* own: the last one */
    struct metric *failures[CODE_N];      /* ref; NULL = nobody counts */
};

static bool parse_address(struct client_redis *c, struct err *e)
{
    const char *address = c->conf->address;
    if (strchr(address, '@'))
        return err_refuse(
            e, "redis.address is neither host:port nor unix:/path; a password belongs into a file, "
               "and its name into redis.password_file");
    if (strncmp(address, "unix:", 5) == 0 && address[5]) {
        c->host = mem_dup(address + 5, strlen(address + 5));
        return true;
    }
    const char *colon = strrchr(address, ':');
    int64_t port = 0;
    if (!colon || colon == address || !str_int64(str_of(colon + 1), &port) || port < 1 ||
        port > 65535)
        return err_refuse(e, "redis.address \"%s\" is neither host:port nor unix:/path", address);
    struct str host = {address, (size_t)(colon - address)};
    if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        host = (struct str){host.at + 1, host.len - 2};
    c->host = mem_dup(host.at, host.len);
    c->port = (int)port;
    return true;
}

struct client_redis *client_redis_new(const struct client_redis_conf *conf, const char *name,
                                      struct err *e)
{
    struct client_redis *c = mem_zero(1, sizeof *c);
    c->conf = conf;
    c->name = mem_dup(name, strlen(name));
    if (!conf->key[0]) err_refuse(e, "redis.key is empty");
    if (conf->key[0] && parse_address(c, e)) return c;
    client_redis_free(c);
    return NULL;
}

static void drop_reply(struct client_redis *c)
{
    if (c->reply) freeReplyObject(c->reply);
    c->reply = NULL;
}

static void disconnect(struct client_redis *c)
{
    drop_reply(c);
    if (c->link) redisFree(c->link);
    c->link = NULL;
}

void client_redis_free(struct client_redis *c)
{
    if (!c) return;
    disconnect(c);
    free(c->host);
    free(c->name);
    free(c);
}

void client_redis_observe(struct client_redis *c, struct metrics *m)
{
    for (size_t i = 0; i < CODE_N; i++) {
        char *label = mem_printf("code=\"%s\"", codes[i]);
        c->failures[i] = metrics_counter(m, "redis_errors_total", label, "Failures of Redis");
        free(label);
    }
}

static void count(struct client_redis *c, size_t code)
{
    if (c->failures[code]) metrics_add(c->failures[code], 1);
}

static size_t code_of(struct str error)
{
    struct str rest = error, code = str_cut(&rest, ' ');
    size_t i = 0;
    while (i < CODE_OTHER && !str_eq(code, str_of(codes[i]))) i++;
    return i;
}

/* --- answers -------------------------------------------------------------------------------------- */

/* Whatever is not known to need an operator may pass: a replica becomes a master, memory is freed, a dataset is
 * loaded. */
enum client_redis_answer client_redis_classify(struct str error)
{
    static const char *const refused[] = {"NOAUTH",    "WRONGPASS", "NOPERM",
                                          "WRONGTYPE", "MOVED",     "CROSSSLOT"};
    struct str rest = error, code = str_cut(&rest, ' ');
    if (str_eq(code, str_of("NOSCRIPT"))) return CLIENT_REDIS_NOSCRIPT;
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (str_eq(code, str_of(refused[i]))) return CLIENT_REDIS_REFUSED;
    return CLIENT_REDIS_RETRY;
}

static enum client_redis_answer of_error(struct client_redis *c, struct err *e)
{
    struct str text = {c->reply->str, c->reply->len};
    enum client_redis_answer answer = client_redis_classify(text);
    if (answer == CLIENT_REDIS_RETRY)
        err_set(e, "redis at %s: %.*s", c->conf->address, STR_ARGS(text));
    if (answer == CLIENT_REDIS_REFUSED)
        err_refuse(e, "redis at %s: %.*s: see [redis] address, user, password_file and key",
                   c->conf->address, STR_ARGS(text));
    if (answer == CLIENT_REDIS_NOSCRIPT) return answer;
    count(c, code_of(text));
    disconnect(c);
    return answer;
}

/* After any failure of the connection nobody knows which answer belongs to what: it goes. (redisReconnect of
 * hiredis 0.14 may close a foreign file descriptor, and forgets timeouts and password.) */
static enum client_redis_answer lost(struct client_redis *c, const char *what, struct err *e)
{
    const char *why = c->link && c->link->err ? c->link->errstr : "no answer";
    err_set(e, "redis at %s: %s: %s", c->conf->address, what, why);
    count(c, CODE_CONNECTION);
    disconnect(c);
    return CLIENT_REDIS_RETRY;
}

enum client_redis_answer client_redis_receive(struct client_redis *c, const redisReply **ret_reply,
                                              struct err *e)
{
    drop_reply(c);
    void *reply = NULL;
    if (!c->link || redisGetReply(c->link, &reply) != REDIS_OK) return lost(c, "receive", e);
    c->reply = reply;
    if (c->reply->type == REDIS_REPLY_ERROR) return of_error(c, e);
    if (ret_reply) *ret_reply = c->reply;
    return CLIENT_REDIS_DONE;
}

/* --- commands ------------------------------------------------------------------------------------- */

static enum client_redis_answer append(struct client_redis *c, const struct str *args, size_t n,
                                       struct err *e)
{
    const char **at = mem_zero(n, sizeof at[0]);
    size_t *len = mem_zero(n, sizeof len[0]);
    for (size_t i = 0; i < n; i++) {
        at[i] = args[i].at;
        len[i] = args[i].len;
    }
    int status = redisAppendCommandArgv(c->link, (int)n, at, len);
    free(at);
    free(len);
    return status == REDIS_OK ? CLIENT_REDIS_DONE : lost(c, "send", e);
}

static enum client_redis_answer introduce(struct client_redis *c, const struct str *args, size_t n,
                                          struct err *e)
{
    enum client_redis_answer answer = append(c, args, n, e);
    if (answer == CLIENT_REDIS_DONE) answer = client_redis_receive(c, NULL, e);
    if (answer != CLIENT_REDIS_DONE) disconnect(c);
    return answer;
}

static enum client_redis_answer authenticate(struct client_redis *c, struct err *e)
{
    const struct client_redis_conf *conf = c->conf;
    if (!conf->password[0]) return CLIENT_REDIS_DONE;
    struct str args[3] = {str_of("AUTH")};
    size_t n = 1;
    if (conf->user[0]) args[n++] = str_of(conf->user);
    args[n++] = str_of(conf->password);
    return introduce(c, args, n, e);
}

static enum client_redis_answer connect_anew(struct client_redis *c, struct err *e)
{
    struct timeval timeout = {c->conf->timeout_ms / 1000, c->conf->timeout_ms % 1000 * 1000};
    c->link = c->port ? redisConnectWithTimeout(c->host, c->port, timeout)
                      : redisConnectUnixWithTimeout(c->host, timeout);
    if (!c->link || c->link->err || redisSetTimeout(c->link, timeout) != REDIS_OK)
        return lost(c, "connect", e);
    enum client_redis_answer answer = authenticate(c, e);
    if (answer != CLIENT_REDIS_DONE) return answer;
    const struct str name[] = {str_of("CLIENT"), str_of("SETNAME"), str_of(c->name)};
    return introduce(c, name, COUNT_OF(name), e);
}

enum client_redis_answer client_redis_send(struct client_redis *c, const struct str *args, size_t n,
                                           struct err *e)
{
    if (!c->link) {
        enum client_redis_answer answer = connect_anew(c, e);
        if (answer != CLIENT_REDIS_DONE) return answer;
    }
    return append(c, args, n, e);
}

enum client_redis_answer client_redis_ask(struct client_redis *c, const struct str *args, size_t n,
                                          const redisReply **ret_reply, struct err *e)
{
    enum client_redis_answer answer = client_redis_send(c, args, n, e);
    return answer == CLIENT_REDIS_DONE ? client_redis_receive(c, ret_reply, e) : answer;
}
