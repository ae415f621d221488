/* What an unordered write came to, from MongoDB 6.0's answers: recorded with the server's own failCommand, a validator and a
 * foreign index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <mongoc/mongoc.h>

#include "io/client_mongo.h"
#include "io/doc_mongo.h"

#define ERRORS(n, ...) "{\"n\":" #n ",\"writeErrors\":[" __VA_ARGS__ "]"
#define DUPLICATE(index, id)                                                                       \
    "{\"index\":" #index ",\"code\":11000,\"errmsg\":\"E11000 duplicate key error collection: "    \
    "rec.a index: _id_ dup key: { _id: \\\"" id                                                    \
    "\\\" }\",\"keyPattern\":{\"_id\":1},\"keyValue\":{\"_id\":\"" id "\"}}"
#define INVALID(index, id)                                                                         \
    "{\"index\":" #index ",\"code\":121,\"errmsg\":\"Document failed validation\",\"errInfo\":{"   \
    "\"failingDocumentId\":\"" id                                                                  \
    "\",\"details\":{\"operatorName\":\"$gt\",\"reason\":\"comparison "                            \
    "failed\"}}}"
#define UNACKNOWLEDGED                                                                             \
    ",\"writeConcernError\":{\"code\":64,\"codeName\":\"WriteConcernFailed\",\"errmsg\":"          \
    "\"waiting "                                                                                   \
    "for replication timed out\",\"errInfo\":{\"wtimeout\":true}}"
#define SHUT_DOWN                                                                                  \
    ",\"writeConcernError\":{\"code\":91,\"codeName\":\"ShutdownInProgress\",\"errmsg\":"          \
    "\"Replication is being shut down\"}"
#define OK ",\"ok\":1}"
#define NOTHING "{\"ok\":0}"

struct recorded {
    const char *reply;
    uint32_t domain, code;
    enum client_mongo_answer answer;
    size_t duplicate_n;
};

/* The answers to the commands of a write, one after the other, and the sizes of these commands. */
static struct {
    const struct recorded *next;
    size_t sent_n, n[8];
    char *json; /* own: the last one, if it is small */
} server;

/* The driver's, as far as client_mongo_write uses them. */
bool mongoc_collection_write_command_with_opts(mongoc_collection_t *collection,
                                               const bson_t *command, const bson_t *opts,
                                               bson_t *reply, bson_error_t *error)
{
    (void)collection, (void)opts;
    bson_iter_t i;
    bson_t list;
    uint32_t len;
    const uint8_t *bytes;
    const struct recorded *r = server.next++;
    bson_free(server.json);
    server.json = command->len < 1000 ? bson_as_relaxed_extended_json(command, NULL) : NULL;
    assert_true(bson_iter_init_find(&i, command, "documents") ||
                bson_iter_init_find(&i, command, "updates"));
    bson_iter_array(&i, &len, &bytes);
    assert_true(bson_init_static(&list, bytes, len));
    server.n[server.sent_n++] = bson_count_keys(&list);
    assert_in_range(command->len, 0, 16 << 20);
    assert_true(bson_init_from_json(reply, r->reply, -1, error));
    bson_set_error(error, r->domain, r->code, "recorded");
    return r->domain == 0;
}

const char *mongoc_collection_get_name(mongoc_collection_t *collection)
{
    (void)collection;
    return "a";
}

const mongoc_write_concern_t *mongoc_collection_get_write_concern(const mongoc_collection_t *c)
{
    return (const void *)c;
}

mongoc_write_concern_t *mongoc_write_concern_copy(const mongoc_write_concern_t *concern)
{
    (void)concern;
    return NULL;
}

bool mongoc_write_concern_append(mongoc_write_concern_t *concern, bson_t *opts)
{
    (void)concern, (void)opts;
    return true;
}

enum { SERVER = MONGOC_ERROR_SERVER, WRITE_CONCERN = MONGOC_ERROR_WRITE_CONCERN };

static const struct recorded all[] = {
    {"{\"n\":3" OK, 0, 0, CLIENT_MONGO_DONE, 0},
    {ERRORS(3, DUPLICATE(0, "1") "," DUPLICATE(1, "2")) OK, 0, 0, CLIENT_MONGO_DUPLICATES, 2},

    /* Applied, but nobody knows whether it stays. */
    {"{\"n\":2" UNACKNOWLEDGED OK, WRITE_CONCERN, 64, CLIENT_MONGO_RETRY, 0},
    {"{\"n\":2" SHUT_DOWN OK, WRITE_CONCERN, 91, CLIENT_MONGO_RETRY, 0},
    {ERRORS(2, DUPLICATE(0, "101")) UNACKNOWLEDGED OK, WRITE_CONCERN, 64, CLIENT_MONGO_RETRY, 1},

    /* Not applied: NotWritablePrimary, NotPrimaryNoSecondaryOk, ExceededTimeLimit, MaxTimeMSExpired,
     * InterruptedDueToReplStateChange, ShutdownInProgress. */
    {NOTHING, SERVER, 10107, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 13435, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 262, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 50, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 11602, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 91, CLIENT_MONGO_RETRY, 0},

    /* Closed or timed out: it may have been applied. No server at all. */
    {"{}", MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, CLIENT_MONGO_RETRY, 0},
    {"{}", MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_SERVER_SELECTION_FAILURE, CLIENT_MONGO_RETRY,
     0},

    /* Others' rules: a validator, a unique index that is not ours. The worst of several wins. */
    {ERRORS(1, INVALID(0, "399") "," INVALID(1, "400")) OK, 0, 0, CLIENT_MONGO_FATAL, 0},
    {ERRORS(1, INVALID(0, "400") "," DUPLICATE(1, "401")) OK, 0, 0, CLIENT_MONGO_FATAL, 1},
    {ERRORS(2,
            "{\"index\":1,\"code\":11000,\"errmsg\":\"E11000 duplicate key error collection: rec.b "
            "index: a_1 dup key: { a: 1 }\",\"keyPattern\":{\"a\":1},\"keyValue\":{\"a\":1}}") OK,
     0, 0, CLIENT_MONGO_FATAL, 0},

    /* Not let in. */
    {NOTHING, SERVER, 13, CLIENT_MONGO_FATAL, 0},
    {"{}", MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, CLIENT_MONGO_FATAL, 0},

    /* Not about any of three documents. */
    {ERRORS(2, DUPLICATE(3, "1")) OK, 0, 0, CLIENT_MONGO_RETRY, 0},
    {ERRORS(2, DUPLICATE(-1, "1")) OK, 0, 0, CLIENT_MONGO_RETRY, 0},

    /* One document failed for a reason that may pass, among duplicates. */
    {ERRORS(1, DUPLICATE(0, "1") ",{\"index\":1,\"code\":112,\"errmsg\":\"WriteConflict\"}") OK, 0,
     0, CLIENT_MONGO_RETRY, 1},
};

static enum err_status status_of(enum client_mongo_answer answer)
{
    if (answer == CLIENT_MONGO_FATAL) return ERR_REFUSED;
    return answer == CLIENT_MONGO_RETRY ? ERR_FAILED : ERR_NONE;
}

/* n documents with as many bytes of text each, to a server that answers as recorded. */
static enum client_mongo_answer write_some(const struct recorded *answers, size_t n, size_t bytes,
                                           struct client_mongo_counts *counts, struct err *e)
{
    memset(&server, 0, sizeof server);
    server.next = answers;
    char *text = test_calloc(bytes + 1, 1);
    memset(text, 'x', bytes);
    bson_t *document = BCON_NEW("_id", BCON_UTF8(text));
    const struct str copied = {(const char *)bson_get_data(document), document->len};
    struct client_mongo_write *w = client_mongo_write_new(NULL, CLIENT_MONGO_INSERT);
    for (size_t i = 0; i < n; i++) client_mongo_write_add(w, copied);
    bson_destroy(document);
    test_free(text);
    enum client_mongo_answer answer = client_mongo_write_execute(w, counts, e);
    bson_free(server.json);
    server.json = NULL;
    return answer;
}

static void test_25_answers_are_classified(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct client_mongo_counts counts = {0};
        struct err e = {0};
        enum client_mongo_answer answer = write_some(&all[i], 3, 1, &counts, &e);
        if (answer != all[i].answer)
            fail_msg("%d instead of %d: %s", answer, all[i].answer, all[i].reply);
        assert_int_equal(counts.duplicate_n, all[i].duplicate_n);
        assert_int_equal(e.status, status_of(answer));
        client_mongo_counts_finish(&counts);
    }
}

/* --- several commands ------------------------------------------------------------------------------- */

static const struct recorded good = {"{\"n\":1" OK, 0, 0, CLIENT_MONGO_DONE, 0};

static void test_25_duplicates_keep_their_places(void **state)
{
    (void)state;
    struct client_mongo_counts counts = {0};
    struct err e = {0};
    const struct recorded answers[] = {
        {ERRORS(1, DUPLICATE(3, "x") "," DUPLICATE(9999, "y")) OK, 0, 0, 0, 0},
        good,
        {ERRORS(1, DUPLICATE(7, "z")) OK, 0, 0, 0, 0},
    };
    assert_int_equal(write_some(answers, 20008, 1, &counts, &e), CLIENT_MONGO_DUPLICATES);
    assert_int_equal(server.sent_n, 3);
    assert_int_equal(server.n[0], 10000);
    assert_int_equal(server.n[2], 8);
    assert_int_equal(counts.duplicate_n, 3);
    assert_int_equal(counts.duplicates[0], 3);
    assert_int_equal(counts.duplicates[1], 9999);
    assert_int_equal(counts.duplicates[2], 20007);
    assert_int_equal(counts.matched_n, 3);
    client_mongo_counts_finish(&counts);
}

static void test_25_large_documents_are_divided(void **state)
{
    (void)state;
    struct err e = {0};
    const struct recorded answers[] = {good, good, good};
    assert_int_equal(write_some(answers, 41, 1 << 20, NULL, &e), CLIENT_MONGO_DONE);
    assert_int_equal(server.sent_n, 3);
    assert_int_equal(server.n[0] + server.n[1] + server.n[2], 41);
}

/* A good answer to a later command hides nothing, and after a bad one none is sent. */
static void test_25_one_bad_command_is_the_answer(void **state)
{
    (void)state;
    struct err e = {0};
    const struct recorded answers[] = {
        good, {"{}", MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, 0, 0}, good};
    assert_int_equal(write_some(answers, 30000, 1, NULL, &e), CLIENT_MONGO_RETRY);
    assert_int_equal(server.sent_n, 2);
    assert_int_equal(e.status, ERR_FAILED);
}

/* -> a write to a server that takes it. */
static struct client_mongo_write *begin_good(enum client_mongo_kind kind)
{
    memset(&server, 0, sizeof server);
    server.next = &good;
    return client_mongo_write_new(NULL, kind);
}

static void test_25_documents_are_built_in_place(void **state)
{
    (void)state;
    struct err e = {0};
    struct client_mongo_write *w = begin_good(CLIENT_MONGO_INSERT);
    doc_mongo_add_text(client_mongo_write_begin(w), "_id", str_of("x"));
    client_mongo_write_end(w);
    assert_int_equal(client_mongo_write_execute(w, NULL, &e), CLIENT_MONGO_DONE);
    assert_string_equal(server.json, "{ \"insert\" : \"a\", \"ordered\" : false, \"documents\" : "
                                     "[ { \"_id\" : \"x\" } ] }");
    bson_free(server.json);
}

static void test_25_updates_say_what_and_how(void **state)
{
    (void)state;
    struct err e = {0};
    struct client_mongo_write *w = begin_good(CLIENT_MONGO_UPDATE);
    for (int i = 0; i < 2; i++) {
        struct buf *to = client_mongo_write_begin(w);
        doc_mongo_add_int32(to, "_id", i);
        client_mongo_write_change(w);
        doc_mongo_add_null(to, "$set");
        client_mongo_write_end(w);
    }
    assert_int_equal(client_mongo_write_execute(w, NULL, &e), CLIENT_MONGO_DONE);
    assert_string_equal(server.json,
                        "{ \"update\" : \"a\", \"ordered\" : false, \"updates\" : [ "
                        "{ \"q\" : { \"_id\" : 0 }, \"u\" : { \"$set\" : null } }, "
                        "{ \"q\" : { \"_id\" : 1 }, \"u\" : { \"$set\" : null } } ] }");
    bson_free(server.json);
}

static void test_25_nothing_is_not_sent(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(write_some(NULL, 0, 1, NULL, &e), CLIENT_MONGO_DONE);
    assert_int_equal(server.sent_n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_25_answers_are_classified),
        cmocka_unit_test(test_25_duplicates_keep_their_places),
        cmocka_unit_test(test_25_large_documents_are_divided),
        cmocka_unit_test(test_25_one_bad_command_is_the_answer),
        cmocka_unit_test(test_25_documents_are_built_in_place),
        cmocka_unit_test(test_25_updates_say_what_and_how),
        cmocka_unit_test(test_25_nothing_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
