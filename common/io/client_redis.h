/* The connection to Redis that its users share: bounded timeouts, commands by length only, and one reading of
 * what an answer means. It connects by itself, with the first command and again after a failure. One thread. */
#ifndef WEIR_IO_CLIENT_REDIS_H
#define WEIR_IO_CLIENT_REDIS_H

#include <stdint.h>

#include "base/config.h"
#include "base/metrics.h"

/* [redis] */
struct client_redis_conf {
    char *address; /* host:port, or unix:/path */
    char *user, *password;
    char *key; /* of the current window; the others are made of it, see sink_redis.h */
    int64_t timeout_ms;
};

extern const struct config_row client_redis_rows[];

struct client_redis;
struct redisReply; /* hiredis's own, for *_redis.c files */

/* client_redis_new checks the configuration and does not connect yet. name is shown by CLIENT LIST (no spaces).
 * conf must outlive the client. NULL with e set (refused) for a bad address. */
MUST_CHECK struct client_redis *client_redis_new(const struct client_redis_conf *conf,
                                                 const char *name, struct err *e);
void client_redis_free(struct client_redis *c); /* NULL is fine */

/* client_redis_observe counts failures in m by the code of the error reply. */
void client_redis_observe(struct client_redis *c, struct metrics *m);

enum client_redis_answer {
    CLIENT_REDIS_DONE,     /* the reply is there */
    CLIENT_REDIS_NOSCRIPT, /* Redis does not know the script of an EVALSHA (any more) */
    CLIENT_REDIS_RETRY,    /* unreachable, slow, loading, full ...: try again later; e says why */
    CLIENT_REDIS_REFUSED,  /* trying again does not help; e says why (refused) */
};

/* client_redis_ask sends one command, its words in args, and waits for the answer: at most timeout to connect and
 * timeout to answer. The reply is lent until the next call. */
MUST_CHECK enum client_redis_answer client_redis_ask(struct client_redis *c, const struct str *args,
                                                     size_t n, const struct redisReply **ret_reply,
                                                     struct err *e);

/* client_redis_send queues a command (its bytes are copied), client_redis_receive takes the next outstanding
 * answer, in order: many commands in one round trip. Any answer but DONE and NOSCRIPT closes the
 * connection and loses all that is outstanding. */
MUST_CHECK enum client_redis_answer
client_redis_send(struct client_redis *c, const struct str *args, size_t n, struct err *e);
MUST_CHECK enum client_redis_answer
client_redis_receive(struct client_redis *c, const struct redisReply **ret_reply, struct err *e);

/* client_redis_classify reads the text of an error reply ("LOADING Redis is ..."). */
enum client_redis_answer client_redis_classify(struct str error);

#endif
