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

static void append_history(bson_t *to, const struct history *history)
{
    bson_t list;
    BSON_APPEND_ARRAY_BEGIN(to, "history", &list);
    for (size_t i = 0; i < history->n; i++) doc_mongo_add_element(&list, i, history->at[i].item);
    bson_append_array_end(to, &list);
}

static void append_text(bson_t *to, const char *name, const char *text)
{
    if (text)
        BSON_APPEND_UTF8(to, name, text);
    else
        BSON_APPEND_NULL(to, name);
}

static void append_origin(bson_t *to, const struct recommendations_mongo_doc *d)
{
    bool modelled = d->slate->source == SLATE_MODEL || d->slate->source == SLATE_MIXED;
    BSON_APPEND_NULL(to, "scores");
    append_text(to, "model", modelled ? d->model : NULL);
    append_text(to, "version", modelled ? d->version : NULL);
    if (d->hot_version >= 0)
        BSON_APPEND_INT64(to, "hot_version", d->hot_version);
    else
        BSON_APPEND_NULL(to, "hot_version");
}

static void append_previous(bson_t *to, const struct recommendations_mongo_doc *d)
{
    char id[SLATE_ID_BYTES];
    if (!d->has_previous) {
        BSON_APPEND_NULL(to, "previous");
        BSON_APPEND_NULL(to, "previous_reward");
        return;
    }
    doc_mongo_add_text(to, "previous", slate_id(d->user, d->previous_ms, id));
    BSON_APPEND_INT64(to, "previous_reward", d->previous_reward);
}

static void build(bson_t *document, const struct recommendations_mongo_doc *d)
{
    char id[SLATE_ID_BYTES];
    bson_reinit(document);
    doc_mongo_add_text(document, "_id", slate_id(d->user, d->end_ms, id));
    doc_mongo_add_text(document, "user", d->user);
    BSON_APPEND_DATE_TIME(document, "time", d->end_ms);
    append_history(document, d->history);
    doc_mongo_add_slate(document, d->slate);
    append_origin(document, d);
    append_previous(document, d);
}

enum client_mongo_answer recommendations_mongo_insert(struct recommendations_mongo *r,
                                                      const struct recommendations_mongo_doc *docs,
                                                      size_t n, struct client_mongo_counts *counts,
                                                      struct err *e)
{
    struct client_mongo_write *w = client_mongo_write_new(r->collection, CLIENT_MONGO_INSERT);
    bson_t document = BSON_INITIALIZER;
    for (size_t i = 0; i < n; i++) {
        build(&document, &docs[i]);
        client_mongo_write_add(w, &document);
    }
    bson_destroy(&document);
    return client_mongo_write_execute(w, counts, e);
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

static void build_reward(bson_t *update, const struct recommendations_mongo_doc *d)
{
    char id[SLATE_ID_BYTES];
    bson_t filter, change, set;
    bson_reinit(update);
    BSON_APPEND_DOCUMENT_BEGIN(update, "q", &filter);
    doc_mongo_add_text(&filter, "_id", slate_id(d->user, d->previous_ms, id));
    bson_append_document_end(update, &filter);
    BSON_APPEND_DOCUMENT_BEGIN(update, "u", &change);
    BSON_APPEND_DOCUMENT_BEGIN(&change, "$set", &set);
    BSON_APPEND_INT64(&set, "reward", d->previous_reward);
    bson_append_document_end(&change, &set);
    bson_append_document_end(update, &change);
}

enum client_mongo_answer recommendations_mongo_reward(struct recommendations_mongo *r,
                                                      const struct recommendations_mongo_doc *docs,
                                                      size_t n, struct err *e)
{
    struct client_mongo_write *w = client_mongo_write_new(r->collection, CLIENT_MONGO_UPDATE);
    bson_t update = BSON_INITIALIZER;
    for (size_t i = 0; i < n; i++) {
        if (!docs[i].has_previous) continue;
        build_reward(&update, &docs[i]);
        client_mongo_write_add(w, &update);
    }
    bson_destroy(&update);
    return client_mongo_write_execute(w, NULL, e);
}
