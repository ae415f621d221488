#include "status/stored_mongo.h"

#include <inttypes.h>
#include <mongoc/mongoc.h>
#include <stdio.h>

static bool count(struct client_mongo *c, const char *name, int64_t *ret_n, struct err *e)
{
    bson_error_t error;
    mongoc_collection_t *collection = client_mongo_collection(c, name);
    *ret_n = mongoc_collection_estimated_document_count(collection, NULL, NULL, NULL, &error);
    mongoc_collection_destroy(collection);
    if (*ret_n >= 0) return true;
    client_mongo_failed(name, &error, e);
    return false;
}

bool stored_mongo_read(struct client_mongo *c, struct view_stored *stored, struct err *e)
{
    return count(c, "events", &stored->events, e) && count(c, "consumed", &stored->consumed, e) &&
           count(c, "users", &stored->users, e) &&
           count(c, "recommendations", &stored->recommendations, e);
}

bool stored_mongo_archived(struct client_mongo *c, int64_t epoch, int64_t *ret_n, struct err *e)
{
    char from[32], to[32]; /* ids are "epoch:...", and ';' follows ':' */
    snprintf(from, sizeof from, "%" PRId64 ":", epoch);
    snprintf(to, sizeof to, "%" PRId64 ";", epoch);
    bson_error_t error;
    bson_t *filter = BCON_NEW("_id", "{", "$gte", BCON_UTF8(from), "$lt", BCON_UTF8(to), "}");
    mongoc_collection_t *collection = client_mongo_collection(c, "events");
    *ret_n = mongoc_collection_count_documents(collection, filter, NULL, NULL, NULL, &error);
    mongoc_collection_destroy(collection);
    bson_destroy(filter);
    if (*ret_n >= 0) return true;
    client_mongo_failed("count events", &error, e);
    return false;
}
