/* A collection of one document. Stands in for io/client_mongo.c, and for the driver's cursors by functions of their names; for
 * the one file of a test that includes it. */
#ifndef WEIR_TESTS_STORE_DOUBLE_H
#define WEIR_TESTS_STORE_DOUBLE_H

#include "io/client_mongo.h"
#include "io/doc_mongo.h"

struct _bson_t;
struct _mongoc_cursor_t;
struct _mongoc_read_prefs_t;
struct _bson_t *bson_new_from_data(const uint8_t *data, size_t length);
void bson_destroy(struct _bson_t *document);

static struct {
    const struct _bson_t *stored; /* ref in the test; what a find finds */
    bool found;
    struct _bson_t *written; /* own; what was inserted last */
    struct buf document;     /* own; what is being written */
} store_double;

struct _mongoc_collection_t *client_mongo_collection(struct client_mongo *c, const char *name)
{
    (void)c, (void)name;
    return NULL;
}

struct client_mongo_write *client_mongo_write_new(struct _mongoc_collection_t *collection,
                                                  enum client_mongo_kind kind)
{
    (void)collection, (void)kind;
    return NULL;
}

struct buf *client_mongo_write_begin(struct client_mongo_write *w)
{
    (void)w;
    buf_init(&store_double.document, 1 << 20);
    doc_mongo_begin(&store_double.document);
    return &store_double.document;
}

void client_mongo_write_change(struct client_mongo_write *w)
{
    (void)w;
}

void client_mongo_write_end(struct client_mongo_write *w)
{
    (void)w;
    struct buf *document = &store_double.document;
    doc_mongo_end(document, 0);
    bson_destroy(store_double.written);
    store_double.written = bson_new_from_data((const uint8_t *)document->at, document->len);
    buf_finish(document);
}

enum client_mongo_answer client_mongo_write_execute(struct client_mongo_write *w_take,
                                                    struct client_mongo_counts *counts,
                                                    struct err *e)
{
    (void)w_take, (void)counts, (void)e;
    return CLIENT_MONGO_DONE;
}

enum client_mongo_answer client_mongo_failed(const char *what, const struct _bson_error_t *error,
                                             struct err *e)
{
    (void)error;
    err_set(e, "%s", what);
    return CLIENT_MONGO_RETRY;
}

struct _mongoc_cursor_t *mongoc_collection_find_with_opts(struct _mongoc_collection_t *collection,
                                                          const struct _bson_t *filter,
                                                          const struct _bson_t *opts,
                                                          const struct _mongoc_read_prefs_t *prefs)
{
    (void)collection, (void)filter, (void)opts, (void)prefs;
    store_double.found = false;
    return NULL;
}

bool mongoc_cursor_next(struct _mongoc_cursor_t *cursor, const struct _bson_t **document)
{
    (void)cursor;
    *document = store_double.stored;
    bool first = !store_double.found;
    store_double.found = true;
    return first;
}

bool mongoc_cursor_error(struct _mongoc_cursor_t *cursor, struct _bson_error_t *error)
{
    (void)cursor, (void)error;
    return false;
}

static inline void store_double_forget(void)
{
    bson_destroy(store_double.written);
    store_double.written = NULL;
}

#endif
