/* The connection to MongoDB that the stores share: bounded timeouts, writes acknowledged by a majority and
 * the journal, and one reading of what a write answered. One thread. */
#ifndef WEIR_IO_CLIENT_MONGO_H
#define WEIR_IO_CLIENT_MONGO_H

#include <stdint.h>

#include "base/buf.h"
#include "base/config.h"

/* [mongo] */
struct client_mongo_conf {
    char *uri; /* without a password */
    char *database, *user, *password;
    int64_t timeout_ms; /* for one answer */
};

extern const struct config_row client_mongo_rows[];

/* client_mongo_check is true for a configuration that client_mongo_new will take. */
MUST_CHECK bool client_mongo_check(const struct client_mongo_conf *conf, struct err *e);

struct client_mongo;

/* libmongoc's own, for *_mongo.c files. */
struct _mongoc_collection_t;
struct _bson_error_t;

/* client_mongo_new checks the configuration; it does not connect yet, the first operation does. app_name shows up
 * in the server's log. NULL with e set (refused) for a bad URI. Freed after every collection. */
MUST_CHECK struct client_mongo *client_mongo_new(const struct client_mongo_conf *conf,
                                                 const char *app_name, struct err *e);
void client_mongo_free(struct client_mongo *c); /* NULL is fine */

/* client_mongo_ping is true when a primary answers. */
MUST_CHECK bool client_mongo_ping(struct client_mongo *c, struct err *e);

/* client_mongo_collection opens a collection of the configured database; the caller destroys it before c. */
struct _mongoc_collection_t *client_mongo_collection(struct client_mongo *c, const char *name);

/* client_mongo_index makes an index if it is missing; keys as JSON, {"user": 1, "time": -1}. ttl_ms > 0 lets the
 * server delete documents so long after the date in the (only) key. Refused if it exists with another ttl. */
MUST_CHECK bool client_mongo_index(struct client_mongo *c, const char *collection, const char *keys,
                                   int64_t ttl_ms, struct err *e);

/* client_mongo_empty tells whether a collection has no document (or does not exist). */
MUST_CHECK bool client_mongo_empty(struct client_mongo *c, const char *collection, bool *ret_empty,
                                   struct err *e);

/* What an unordered write came to. */
enum client_mongo_answer {
    CLIENT_MONGO_DONE,       /* all acknowledged */
    CLIENT_MONGO_DUPLICATES, /* all acknowledged, but for documents whose _id was there already */
    CLIENT_MONGO_RETRY,      /* nobody knows what was applied: repeat the whole write; e says why */
    CLIENT_MONGO_FATAL,      /* repeating does not help; e says why (refused) */
};

struct client_mongo_counts {
    uint32_t
        *duplicates; /* own: indexes, in the order of the write, of what was refused with E11000 */
    size_t duplicate_n, cap;
    int64_t matched_n; /* by updates */
};

void client_mongo_counts_finish(struct client_mongo_counts *counts);

/* An unordered write of documents that are valid already. They are built in the command itself, or copied into it as they are, where
 * libmongoc's bulks would walk through every one of them twice. A command that is full is sent before the next document: what
 * came of it client_mongo_write_execute tells. No document is larger than 1.5 MiB. */
struct client_mongo_write;

enum client_mongo_kind { CLIENT_MONGO_INSERT, CLIENT_MONGO_UPDATE };

struct client_mongo_write *client_mongo_write_new(struct _mongoc_collection_t *collection,
                                                  enum client_mongo_kind kind);

/* client_mongo_write_add copies a document to be inserted, which is BSON already. */
void client_mongo_write_add(struct client_mongo_write *w, struct str document);

/* client_mongo_write_begin opens the next document, for the caller to fill (doc_mongo.h); client_mongo_write_end closes it. Of an
 * update it is first what is to be updated and, after client_mongo_write_change, how. */
struct buf *client_mongo_write_begin(struct client_mongo_write *w);
void client_mongo_write_change(struct client_mongo_write *w);
void client_mongo_write_end(struct client_mongo_write *w);

/* client_mongo_write_execute sends what is left (w is taken: it is freed) and answers for all; counts are emptied first and may
 * be NULL. An empty write is DONE. After RETRY or FATAL nothing more is sent. */
MUST_CHECK enum client_mongo_answer client_mongo_write_execute(struct client_mongo_write *w_take,
                                                               struct client_mongo_counts *counts,
                                                               struct err *e);

/* client_mongo_failed sets e to the error of any other operation (a cursor's, say), with a word on what it was
 * for. Answers RETRY or FATAL. */
enum client_mongo_answer client_mongo_failed(const char *what, const struct _bson_error_t *error,
                                             struct err *e);

#endif
