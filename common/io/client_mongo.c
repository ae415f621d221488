#include "io/client_mongo.h"

#include <assert.h>
#include <mongoc/mongoc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/doc_mongo.h"

enum {
    CONNECT_MS = 2000,
    SELECT_MS = 2000,
    COMMAND_DOCUMENTS = 10000, /* one command of MongoDB takes 100,000 and 16 MiB */
    COMMAND_BYTES = 14 << 20,  /* leaves room for one document more, and its head */
    CODE_UNAUTHORIZED = 13,
    CODE_AUTHENTICATION_FAILED = 18,
    CODE_INDEX_OPTIONS_CONFLICT = 85,
    CODE_VALIDATION_FAILED = 121,
    CODE_DUPLICATE_KEY = 11000,
};

#define ROW(key, kind, fallback, help, field, ...)                                                 \
    {                                                                                              \
        "mongo", key, kind, fallback, help, offsetof(struct client_mongo_conf, field), __VA_ARGS__ \
    }

const struct config_row client_mongo_rows[] = {
    ROW("uri", CONFIG_STR, "mongodb://127.0.0.1:27017", "where MongoDB is, without a password", uri,
        0),
    ROW("database", CONFIG_STR, "weir", "the database of all collections", database, 0),
    ROW("user", CONFIG_STR, "", "user, if the server asks for one", user, 0),
    ROW("password_file", CONFIG_SECRET, "", "a file with the user's password", password, 0),
    ROW("timeout", CONFIG_DURATION, "5s", "how long to wait for an answer", timeout_ms, 100, 60000),
    {0},
};

/* The pool holds one client: only pooled clients watch their servers from a thread of their own, so that a
 * server that went away delays no operation longer than SELECT_MS and is found again when it is back. */
struct client_mongo {
    mongoc_client_pool_t *pool; /* own */
    mongoc_client_t *client;    /* own, from the pool */
    char *database;             /* own */
};

static bool set_user(mongoc_uri_t *uri, const struct client_mongo_conf *conf, struct err *e)
{
    if (mongoc_uri_get_password(uri))
        return err_refuse(e, "mongo.uri holds a password: put it into a file and name that in "
                             "mongo.password_file");
    if (mongoc_uri_has_option(uri, MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD))
        return err_refuse(
            e, "mongo.uri holds the password of a key: use a key without one, in a file that only "
               "Weir can read");
    if (conf->user[0] && !mongoc_uri_set_username(uri, conf->user))
        return err_refuse(e, "mongo.user is not valid");
    if (conf->password[0] && !mongoc_uri_set_password(uri, conf->password))
        return err_refuse(e, "the password in mongo.password_file is not valid UTF-8");
    return true;
}

static void set_options(mongoc_uri_t *uri, const struct client_mongo_conf *conf,
                        const char *app_name)
{
    mongoc_uri_set_appname(uri, app_name);
    mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, (int32_t)conf->timeout_ms);
    mongoc_uri_set_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_MS);
    mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SELECT_MS);
    /* Whoever writes here repeats by itself, and the server's bookkeeping doubles the cost of an update. */
    if (!mongoc_uri_has_option(uri, MONGOC_URI_RETRYWRITES))
        mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);

    mongoc_write_concern_t *concern = mongoc_write_concern_new();
    mongoc_write_concern_set_w(concern, MONGOC_WRITE_CONCERN_W_MAJORITY);
    mongoc_write_concern_set_journal(concern, true);
    mongoc_uri_set_write_concern(uri, concern);
    mongoc_write_concern_destroy(concern);

    mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    mongoc_uri_set_read_prefs_t(uri, primary);
    mongoc_read_prefs_destroy(primary);
}

static mongoc_uri_t *make_uri(const struct client_mongo_conf *conf, struct err *e)
{
    bson_error_t error;
    mongoc_uri_t *uri = mongoc_uri_new_with_error(conf->uri, &error);
    if (!uri) err_refuse(e, "mongo.uri: %s", error.message); /* it may hold a password */
    if (!uri || set_user(uri, conf, e)) return uri;
    mongoc_uri_destroy(uri);
    return NULL;
}

/* As the server sees it: https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions */
static bool check_database(const char *name, struct err *e)
{
    size_t len = strlen(name);
    if (len && len < 64 && strcspn(name, "/\\. \"$*<>:|?") == len) return true;
    return err_refuse(
        e, "mongo.database = \"%.80s\": expected 1 to 63 bytes, none of /\\. \"$*<>:|?", name);
}

bool client_mongo_check(const struct client_mongo_conf *conf, struct err *e)
{
    if (!check_database(conf->database, e)) return false;
    mongoc_uri_t *uri = make_uri(conf, e);
    mongoc_uri_destroy(uri);
    return uri != NULL;
}

static bool open_pool(struct client_mongo *c, const mongoc_uri_t *uri, struct err *e)
{
    bson_error_t error;
    c->pool = mongoc_client_pool_new_with_error(uri, &error);
    if (!c->pool) return err_refuse(e, "mongo.uri: %s", error.message);
    mongoc_client_pool_set_error_api(c->pool, MONGOC_ERROR_API_VERSION_2);
    mongoc_client_pool_max_size(c->pool, 1);
    c->client = mongoc_client_pool_pop(c->pool);
    return true;
}

struct client_mongo *client_mongo_new(const struct client_mongo_conf *conf, const char *app_name,
                                      struct err *e)
{
    mongoc_log_set_handler(NULL, NULL); /* what matters comes back as an error */
    mongoc_init();
    mongoc_uri_t *uri = make_uri(conf, e);
    if (!uri) return NULL;
    set_options(uri, conf, app_name);
    struct client_mongo *c = mem_zero(1, sizeof *c);
    c->database = mem_dup(conf->database, strlen(conf->database));
    bool good = open_pool(c, uri, e);
    mongoc_uri_destroy(uri);
    if (good) return c;
    client_mongo_free(c);
    return NULL;
}

void client_mongo_free(struct client_mongo *c)
{
    if (!c) return;
    if (c->client) mongoc_client_pool_push(c->pool, c->client);
    if (c->pool) mongoc_client_pool_destroy(c->pool);
    free(c->database);
    free(c);
}

/* --- commands ------------------------------------------------------------------------------------- */

/* The driver says it in words only. Other failures of a handshake may pass. */
static bool distrusted(const bson_error_t *error)
{
    return error->domain == MONGOC_ERROR_SERVER_SELECTION &&
           (strstr(error->message, "certificate verify failed") ||
            strstr(error->message, "Failed initialize TLS state"));
}

enum client_mongo_answer client_mongo_failed(const char *what, const bson_error_t *error,
                                             struct err *e)
{
    bool of_server =
        error->domain == MONGOC_ERROR_SERVER || error->domain == MONGOC_ERROR_WRITE_CONCERN;
    bool denied =
        error->domain == MONGOC_ERROR_CLIENT && error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE;
    if (of_server &&
        (error->code == CODE_UNAUTHORIZED || error->code == CODE_AUTHENTICATION_FAILED))
        denied = true;
    if (!denied && !distrusted(error)) {
        err_set(e, "mongodb: %s: %s", what, error->message);
        return CLIENT_MONGO_RETRY;
    }
    const char *remedy = denied ? "mongo.user, its roles, and mongo.password_file"
                                : "the host and the tls options in mongo.uri";
    err_refuse(e, "mongodb: %s: %s: see %s", what, error->message, remedy);
    return CLIENT_MONGO_FATAL;
}

bool client_mongo_ping(struct client_mongo *c, struct err *e)
{
    bson_error_t error;
    bson_t *ping = BCON_NEW("ping", BCON_INT32(1));
    bool good = mongoc_client_command_simple(c->client, c->database, ping, NULL, NULL, &error);
    bson_destroy(ping);
    if (!good) client_mongo_failed("ping", &error, e);
    return good;
}

mongoc_collection_t *client_mongo_collection(struct client_mongo *c, const char *name)
{
    return mongoc_client_get_collection(c->client, c->database, name);
}

static bson_t *index_command(const char *collection, const char *keys, int64_t ttl_ms)
{
    bson_error_t error;
    bson_t *key = bson_new_from_json((const uint8_t *)keys, -1, &error);
    assert(key);
    char *name = mongoc_collection_keys_to_index_string(key);
    bson_t index = BSON_INITIALIZER;
    BSON_APPEND_DOCUMENT(&index, "key", key);
    BSON_APPEND_UTF8(&index, "name", name);
    if (ttl_ms > 0) BSON_APPEND_INT64(&index, "expireAfterSeconds", ttl_ms / 1000);
    bson_t *command = BCON_NEW("createIndexes", BCON_UTF8(collection), "indexes", "[",
                               BCON_DOCUMENT(&index), "]");
    bson_destroy(&index);
    bson_free(name);
    bson_destroy(key);
    return command;
}

bool client_mongo_index(struct client_mongo *c, const char *collection, const char *keys,
                        int64_t ttl_ms, struct err *e)
{
    bson_error_t error;
    bson_t *command = index_command(collection, keys, ttl_ms);
    bool good =
        mongoc_client_write_command_with_opts(c->client, c->database, command, NULL, NULL, &error);
    bson_destroy(command);
    if (good) return true;
    if (error.domain == MONGOC_ERROR_SERVER && error.code == CODE_INDEX_OPTIONS_CONFLICT)
        return err_refuse(
            e, "mongodb: the index %s of %s.%s exists with another ttl: drop it and start again",
            keys, c->database, collection);
    client_mongo_failed("create an index", &error, e);
    return false;
}

bool client_mongo_empty(struct client_mongo *c, const char *collection, bool *ret_empty,
                        struct err *e)
{
    bson_t filter = BSON_INITIALIZER;
    bson_t *opts = BCON_NEW("limit", BCON_INT64(1), "projection", "{", "_id", BCON_INT32(1), "}");
    mongoc_collection_t *coll = client_mongo_collection(c, collection);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(coll, &filter, opts, NULL);
    const bson_t *document;
    *ret_empty = !mongoc_cursor_next(cursor, &document);
    bson_error_t error;
    bool failed = mongoc_cursor_error(cursor, &error);
    if (failed) client_mongo_failed(collection, &error, e);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(coll);
    bson_destroy(opts);
    bson_destroy(&filter);
    return !failed;
}

/* --- writes --------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *list;
} commands[] = {
    [CLIENT_MONGO_INSERT] = {"insert", "documents"},
    [CLIENT_MONGO_UPDATE] = {"update", "updates"},
};

struct client_mongo_write {
    mongoc_collection_t *collection; /* ref */
    enum client_mongo_kind kind;
    struct buf command;                   /* in hand: BSON, written up to its open list */
    size_t whole, list, document, change; /* where these begin; change: q or u of an update */
    uint32_t n, sent_n;                   /* documents in it, and in those before */

    /* What came of those before. */
    enum client_mongo_answer worst;
    struct client_mongo_counts counts;
    struct err why;
};

void client_mongo_counts_finish(struct client_mongo_counts *counts)
{
    free(counts->duplicates);
    *counts = (struct client_mongo_counts){0};
}

static int64_t number(const bson_t *document, const char *name)
{
    bson_iter_t i;
    if (!bson_iter_init_find(&i, document, name) || !BSON_ITER_HOLDS_NUMBER(&i)) return 0;
    return bson_iter_as_int64(&i);
}

static const char *text(const bson_t *document, const char *name)
{
    bson_iter_t i;
    if (!bson_iter_init_find(&i, document, name) || !BSON_ITER_HOLDS_UTF8(&i))
        return "no reason given";
    return bson_iter_utf8(&i, NULL);
}

static bool document(const bson_iter_t *i, bson_t *ret_document)
{
    uint32_t len;
    const uint8_t *bytes;
    if (!BSON_ITER_HOLDS_DOCUMENT(i)) return false;
    bson_iter_document(i, &len, &bytes);
    return bson_init_static(ret_document, bytes, len);
}

/* E11000 says that our document is there already only if it was the index of _id that refused it. */
static bool of_id(const bson_t *error)
{
    bson_iter_t i, pattern;
    if (!bson_iter_init_find(&i, error, "keyPattern")) return true; /* servers before 4.2 */
    return BSON_ITER_HOLDS_DOCUMENT(&i) && bson_iter_recurse(&i, &pattern) &&
           bson_iter_next(&pattern) && strcmp(bson_iter_key(&pattern), "_id") == 0;
}

static enum client_mongo_answer write_error(struct client_mongo_write *w, const bson_t *error)
{
    int64_t code = number(error, "code"), index = number(error, "index");
    if (index < 0 || index >= w->n) {
        err_set(&w->why, "mongodb: an answer about a document that was not sent");
        return CLIENT_MONGO_RETRY;
    }
    if (code == CODE_DUPLICATE_KEY && of_id(error)) {
        struct client_mongo_counts *c = &w->counts;
        c->duplicates = mem_grow(c->duplicates, c->duplicate_n, &c->cap, sizeof c->duplicates[0]);
        c->duplicates[c->duplicate_n++] = w->sent_n + (uint32_t)index;
        return CLIENT_MONGO_DUPLICATES;
    }
    if (code == CODE_DUPLICATE_KEY || code == CODE_VALIDATION_FAILED) {
        err_refuse(&w->why, "mongodb: a rule that is not Weir's refuses a document: %.300s",
                   text(error, "errmsg"));
        return CLIENT_MONGO_FATAL;
    }
    err_set(&w->why, "mongodb: write error %lld: %.300s", (long long)code, text(error, "errmsg"));
    return CLIENT_MONGO_RETRY;
}

static enum client_mongo_answer write_errors(struct client_mongo_write *w, const bson_t *reply)
{
    bson_iter_t list, i;
    bson_t error;
    enum client_mongo_answer worst = CLIENT_MONGO_DONE;
    if (!bson_iter_init_find(&list, reply, "writeErrors") || !bson_iter_recurse(&list, &i))
        return worst;
    while (bson_iter_next(&i)) {
        if (!document(&i, &error)) continue;
        enum client_mongo_answer answer = write_error(w, &error);
        if (answer > worst) worst = answer;
    }
    return worst;
}

/* The worst of what the server said. A failure without a word on single documents is one of the whole command. */
static enum client_mongo_answer read_reply(struct client_mongo_write *w, bool good,
                                           const bson_t *reply, const bson_error_t *error)
{
    bson_iter_t i;
    bson_t unsafe;
    w->counts.matched_n += number(reply, "n");
    enum client_mongo_answer worst = write_errors(w, reply);
    if (worst >= CLIENT_MONGO_RETRY) return worst;
    if (bson_iter_init_find(&i, reply, "writeConcernError") && document(&i, &unsafe)) {
        err_set(&w->why, "mongodb: not acknowledged by a majority: %.300s",
                text(&unsafe, "errmsg"));
        return CLIENT_MONGO_RETRY;
    }
    return good || worst ? worst : client_mongo_failed("write", error, &w->why);
}

static void begin(struct client_mongo_write *w)
{
    w->n = 0;
    buf_clear(&w->command);
    w->whole = doc_mongo_begin(&w->command);
    doc_mongo_add_text(&w->command, commands[w->kind].name,
                       str_of(mongoc_collection_get_name(w->collection)));
    doc_mongo_add_bool(&w->command, "ordered", false);
    w->list = doc_mongo_begin_list(&w->command, commands[w->kind].list);
}

static void run(struct client_mongo_write *w)
{
    bson_t command, reply, opts = BSON_INITIALIZER;
    bson_error_t error = {0};
    bool whole = bson_init_static(&command, (const uint8_t *)w->command.at, w->command.len);
    assert(whole);
    mongoc_write_concern_t *concern =
        mongoc_write_concern_copy(mongoc_collection_get_write_concern(w->collection));
    mongoc_write_concern_append(concern, &opts);
    bool good =
        mongoc_collection_write_command_with_opts(w->collection, &command, &opts, &reply, &error);
    enum client_mongo_answer answer = read_reply(w, good, &reply, &error);
    if (answer > w->worst) w->worst = answer;
    mongoc_write_concern_destroy(concern);
    bson_destroy(&opts);
    bson_destroy(&reply);
}

static void end(struct client_mongo_write *w)
{
    doc_mongo_end(&w->command, w->list);
    doc_mongo_end(&w->command, w->whole);
    if (w->n && w->worst < CLIENT_MONGO_RETRY) run(w);
    w->sent_n += w->n;
}

struct client_mongo_write *client_mongo_write_new(mongoc_collection_t *collection,
                                                  enum client_mongo_kind kind)
{
    struct client_mongo_write *w = mem_zero(1, sizeof *w);
    w->collection = collection;
    w->kind = kind;
    buf_init(&w->command, BSON_MAX_SIZE);
    begin(w);
    return w;
}

/* The place of the next document in the list; a full command is sent first. */
static uint32_t next(struct client_mongo_write *w)
{
    if (w->n == COMMAND_DOCUMENTS || w->command.len > COMMAND_BYTES) {
        end(w);
        begin(w);
    }
    return w->n++;
}

void client_mongo_write_add(struct client_mongo_write *w, struct str document)
{
    doc_mongo_add_document(&w->command, next(w), document);
}

struct buf *client_mongo_write_begin(struct client_mongo_write *w)
{
    w->document = doc_mongo_begin_element(&w->command, next(w));
    if (w->kind == CLIENT_MONGO_UPDATE) w->change = doc_mongo_begin_member(&w->command, "q");
    return &w->command;
}

void client_mongo_write_change(struct client_mongo_write *w)
{
    assert(w->kind == CLIENT_MONGO_UPDATE);
    doc_mongo_end(&w->command, w->change);
    w->change = doc_mongo_begin_member(&w->command, "u");
}

void client_mongo_write_end(struct client_mongo_write *w)
{
    if (w->kind == CLIENT_MONGO_UPDATE) doc_mongo_end(&w->command, w->change);
    doc_mongo_end(&w->command, w->document);
}

enum client_mongo_answer client_mongo_write_execute(struct client_mongo_write *w_take,
                                                    struct client_mongo_counts *counts,
                                                    struct err *e)
{
    struct client_mongo_write *w = w_take;
    end(w);
    enum client_mongo_answer answer = w->worst;
    if (answer >= CLIENT_MONGO_RETRY && e->status == ERR_NONE) *e = w->why;
    if (counts) client_mongo_counts_finish(counts), *counts = w->counts;
    if (!counts) client_mongo_counts_finish(&w->counts);
    buf_finish(&w->command);
    free(w);
    return answer;
}
