#include "io/recommendations_mongo.h"

#include <mongoc/mongoc.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/doc_mongo.h"

struct recommendations_mongo {
    mongoc_collection_t *collection; /* own */
};

struct recommendations_mongo *recommendations_mongo_new(struct client_mongo *c)
{
    struct recommendations_mongo *r = mem_zero(1, sizeof *r);
    r->collection = client_mongo_collection(c, "recommendations");
    return r;
}

void recommendations_mongo_free(struct recommendations_mongo *r)
{
    if (!r) return;
    mongoc_collection_destroy(r->collection);
    free(r);
}

static void add_history(struct buf *to, const struct history *history)
{
    size_t list = doc_mongo_begin_list(to, "history");
    for (size_t i = 0; i < history->n; i++) doc_mongo_add_element(to, i, history->at[i].item);
    doc_mongo_end(to, list);
}

static void add_text_or_null(struct buf *to, const char *name, const char *text)
{
    if (text)
        doc_mongo_add_text(to, name, str_of(text));
    else
        doc_mongo_add_null(to, name);
}

static void add_origin(struct buf *to, const struct recommendations_mongo_doc *d)
{
    bool modelled = d->slate->source == SLATE_MODEL || d->slate->source == SLATE_MIXED;
    doc_mongo_add_null(to, "scores");
    add_text_or_null(to, "model", modelled ? d->model : NULL);
    add_text_or_null(to, "version", modelled ? d->version : NULL);
    if (d->hot_version >= 0)
        doc_mongo_add_int64(to, "hot_version", d->hot_version);
    else
        doc_mongo_add_null(to, "hot_version");
}

static void add_previous(struct buf *to, const struct recommendations_mongo_doc *d)
{
    char id[SLATE_ID_BYTES];
    if (!d->has_previous) {
        doc_mongo_add_null(to, "previous");
        doc_mongo_add_null(to, "previous_reward");
        return;
    }
    doc_mongo_add_text(to, "previous", slate_id(d->user, d->previous_ms, id));
    doc_mongo_add_int64(to, "previous_reward", d->previous_reward);
}

static void add_insert(struct client_mongo_write *command,
                       const struct recommendations_mongo_doc *d)
{
    char id[SLATE_ID_BYTES];
    struct buf *to = client_mongo_write_begin(command);
    doc_mongo_add_text(to, "_id", slate_id(d->user, d->end_ms, id));
    doc_mongo_add_text(to, "user", d->user);
    doc_mongo_add_date(to, "time", d->end_ms);
    add_history(to, d->history);
    doc_mongo_add_slate(to, d->slate);
    add_origin(to, d);
    add_previous(to, d);
    client_mongo_write_end(command);
}

enum client_mongo_answer recommendations_mongo_insert(struct recommendations_mongo *r,
                                                      const struct recommendations_mongo_doc *docs,
                                                      size_t n, struct client_mongo_counts *counts,
                                                      struct err *e)
{
    struct client_mongo_write *command = client_mongo_write_new(r->collection, CLIENT_MONGO_INSERT);
    for (size_t i = 0; i < n; i++) add_insert(command, &docs[i]);
    return client_mongo_write_execute(command, counts, e);
}

static enum client_mongo_answer
hand_over(const bson_t *document, recommendations_mongo_found *found, void *ctx, struct err *e)
{
    bson_iter_t i;
    struct str id = {0};
    bool named = bson_validate(document, BSON_VALIDATE_NONE, NULL) &&
                 bson_iter_init_find(&i, document, "_id") && BSON_ITER_HOLDS_UTF8(&i);
    if (named) id = str_of(bson_iter_utf8(&i, NULL));
    struct slate *slate = named ? doc_mongo_slate(document) : NULL;
    if (!slate) {
        err_refuse(
            e,
            "mongodb: the document of user \"%.64s\" in recommendations is not what Weir writes: "
            "restore or remove it, or see weir-reset recommend",
            named ? id.at : "?");
        return CLIENT_MONGO_FATAL;
    }
    found(ctx, str_cut(&id, '\x1f'), slate);
    return CLIENT_MONGO_DONE;
}

enum client_mongo_answer recommendations_mongo_find(struct recommendations_mongo *r,
                                                    const struct str *ids, size_t n,
                                                    recommendations_mongo_found *found, void *ctx,
                                                    struct err *e)
{
    if (n == 0) return CLIENT_MONGO_DONE;
    const bson_t *document;
    bson_error_t error;
    bson_t *filter = doc_mongo_in(ids, n);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(r->collection, filter, NULL, NULL);
    enum client_mongo_answer answer = CLIENT_MONGO_DONE;
    while (answer == CLIENT_MONGO_DONE && mongoc_cursor_next(cursor, &document))
        answer = hand_over(document, found, ctx, e);
    if (answer == CLIENT_MONGO_DONE && mongoc_cursor_error(cursor, &error))
        answer = client_mongo_failed("find recommendations", &error, e);
    mongoc_cursor_destroy(cursor);
    bson_destroy(filter);
    return answer;
}

static void add_reward(struct client_mongo_write *command,
                       const struct recommendations_mongo_doc *d)
{
    char id[SLATE_ID_BYTES];
    struct buf *to = client_mongo_write_begin(command);
    doc_mongo_add_text(to, "_id", slate_id(d->user, d->previous_ms, id));
    client_mongo_write_change(command);
    size_t set = doc_mongo_begin_member(to, "$set");
    doc_mongo_add_int64(to, "reward", d->previous_reward);
    doc_mongo_end(to, set);
    client_mongo_write_end(command);
}

enum client_mongo_answer recommendations_mongo_reward(struct recommendations_mongo *r,
                                                      const struct recommendations_mongo_doc *docs,
                                                      size_t n, struct err *e)
{
    struct client_mongo_write *command = client_mongo_write_new(r->collection, CLIENT_MONGO_UPDATE);
    for (size_t i = 0; i < n; i++)
        if (docs[i].has_previous) add_reward(command, &docs[i]);
    return client_mongo_write_execute(command, NULL, e);
}
