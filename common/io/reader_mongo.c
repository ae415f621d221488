#include "io/reader_mongo.h"

#include <mongoc/mongoc.h>

#include "io/doc_mongo.h"

enum { ID_MAX_BYTES = 256, OFFSET_SHIFT = 20 };

/* "epoch:partition:offset:row" as two numbers in its order. */
static bool read_order(struct str id, uint64_t ret_order[2])
{
    int64_t parts[4] = {0};
    for (int i = 0; i < 4; i++)
        if (!id.at || !str_int64(str_cut(&id, ':'), &parts[i]) || parts[i] < 0) return false;
    ret_order[0] = (uint64_t)parts[0] << OFFSET_SHIFT | (uint64_t)parts[1];
    ret_order[1] = (uint64_t)parts[2] << OFFSET_SHIFT | (uint64_t)parts[3];
    return id.at == NULL;
}

static bool text_of(const bson_t *document, const char *name, struct str *ret)
{
    bson_iter_t i;
    return bson_iter_init_find(&i, document, name) && doc_mongo_text(&i, 1, ID_MAX_BYTES, ret);
}

static bool hand_over(const bson_t *document, reader_mongo_take *take, void *ctx, struct err *e)
{
    struct str id, user, item;
    uint64_t order[2];
    bson_iter_t time;
    bool good = bson_validate(document, BSON_VALIDATE_NONE, NULL) &&
                text_of(document, "_id", &id) && read_order(id, order) &&
                text_of(document, "user", &user) && text_of(document, "item", &item) &&
                bson_iter_init_find(&time, document, "time") && BSON_ITER_HOLDS_DATE_TIME(&time);
    if (!good) return err_refuse(e, "mongodb: a document in events is not what Weir writes");
    return take(ctx, user, item, bson_iter_date_time(&time), order, e);
}

bool reader_mongo_events(struct client_mongo *client, reader_mongo_take *take, void *ctx,
                         struct err *e)
{
    const bson_t *document;
    bson_error_t error;
    bson_t filter = BSON_INITIALIZER;
    bson_t *options = BCON_NEW("projection", "{", "user", BCON_INT32(1), "item", BCON_INT32(1),
                               "time", BCON_INT32(1), "}");
    mongoc_collection_t *events = client_mongo_collection(client, "events");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(events, &filter, options, NULL);
    bool good = true;
    while (good && mongoc_cursor_next(cursor, &document)) good = hand_over(document, take, ctx, e);
    if (good && mongoc_cursor_error(cursor, &error)) {
        (void)client_mongo_failed("read events", &error, e);
        good = false;
    }
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(events);
    bson_destroy(options);
    bson_destroy(&filter);
    return good;
}
