#include "reset/wipe_mongo.h"

#include <mongoc/mongoc.h>

enum { CODE_NAMESPACE_NOT_FOUND = 26 };

static bool drop(struct client_mongo *c, const char *name, struct err *e)
{
    bson_error_t error;
    mongoc_collection_t *collection = client_mongo_collection(c, name);
    bool good = mongoc_collection_drop_with_opts(collection, NULL, &error);
    mongoc_collection_destroy(collection);
    if (good || error.code == CODE_NAMESPACE_NOT_FOUND) return true;
    client_mongo_failed(name, &error, e);
    return false;
}

bool wipe_mongo(const struct client_mongo_conf *conf, const char *const *names, struct err *e)
{
    struct client_mongo *c = client_mongo_new(conf, "weir-reset", e);
    if (!c) return false;
    bool good = true;
    for (size_t i = 0; good && names[i]; i++) good = drop(c, names[i], e);
    client_mongo_free(c);
    return good;
}
