/* What an unordered bulk came to, from what libmongoc 1.23 said of MongoDB 6.0's answers: recorded with the server's own
 * failCommand, a validator and a foreign index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <mongoc/mongoc.h>

#include "io/client_mongo.h"

#define COUNTS(n)                                                                                  \
    "{\"nInserted\":" #n ",\"nMatched\":0,\"nModified\":0,\"nRemoved\":0,\"nUpserted\":0"
#define NOTHING COUNTS(0) ",\"writeErrors\":[]}"
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
    ",\"writeConcernErrors\":[{\"code\":64,\"errmsg\":\"waiting for replication timed "            \
    "out\",\"codeName\":\"WriteConcernFailed\",\"errInfo\":{\"wtimeout\":true}}]}"
#define SHUT_DOWN                                                                                  \
    ",\"writeConcernErrors\":[{\"code\":91,\"errmsg\":\"Replication is being shut "                \
    "down\",\"codeName\":\"ShutdownInProgress\"}]}"

struct recorded {
    const char *reply;
    uint32_t domain, code;
    enum client_mongo_answer answer;
    size_t duplicate_n;
};

static const struct recorded *now;

/* The driver's, as far as client_mongo_execute uses them. */
uint32_t mongoc_bulk_operation_execute(mongoc_bulk_operation_t *bulk, bson_t *reply,
                                       bson_error_t *error)
{
    (void)bulk;
    bson_error_t broken;
    assert_true(bson_init_from_json(reply, now->reply, -1, &broken));
    bson_set_error(error, now->domain, now->code, "recorded");
    return now->domain ? 0 : 1;
}

void mongoc_bulk_operation_destroy(mongoc_bulk_operation_t *bulk)
{
    (void)bulk;
}

enum { SERVER = MONGOC_ERROR_SERVER, WRITE_CONCERN = MONGOC_ERROR_WRITE_CONCERN };

static const struct recorded all[] = {
    {COUNTS(3) ",\"writeErrors\":[]}", 0, 0, CLIENT_MONGO_DONE, 0},
    {COUNTS(3) ",\"writeErrors\":[" DUPLICATE(0, "1") "," DUPLICATE(1, "2") "]}", SERVER, 11000,
     CLIENT_MONGO_DUPLICATES, 2},

    /* Applied, but nobody knows whether it stays. */
    {COUNTS(2) ",\"writeErrors\":[]" UNACKNOWLEDGED, WRITE_CONCERN, 64, CLIENT_MONGO_RETRY, 0},
    {COUNTS(2) ",\"writeErrors\":[]" SHUT_DOWN, WRITE_CONCERN, 91, CLIENT_MONGO_RETRY, 0},
    {COUNTS(2) ",\"writeErrors\":[" DUPLICATE(0, "101") "]" UNACKNOWLEDGED, SERVER, 11000,
     CLIENT_MONGO_RETRY, 1},

    /* Not applied: NotWritablePrimary, NotPrimaryNoSecondaryOk, ExceededTimeLimit, MaxTimeMSExpired,
     * InterruptedDueToReplStateChange, ShutdownInProgress. */
    {NOTHING, SERVER, 10107, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 13435, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 262, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 50, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 11602, CLIENT_MONGO_RETRY, 0},
    {NOTHING, SERVER, 91, CLIENT_MONGO_RETRY, 0},

    /* Closed or timed out: it may have been applied. No server at all. */
    {NOTHING, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, CLIENT_MONGO_RETRY, 0},
    {NOTHING, MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_SERVER_SELECTION_FAILURE,
     CLIENT_MONGO_RETRY, 0},

    /* Others' rules: a validator, a unique index that is not ours. The worst of several wins. */
    {COUNTS(1) ",\"writeErrors\":[" INVALID(0, "399") "," INVALID(1, "400") "]}", SERVER, 121,
     CLIENT_MONGO_FATAL, 0},
    {COUNTS(1) ",\"writeErrors\":[" INVALID(0, "400") "," DUPLICATE(1, "401") "]}", SERVER, 121,
     CLIENT_MONGO_FATAL, 1},
    {COUNTS(
         2) ",\"writeErrors\":[{\"index\":1,\"code\":11000,\"errmsg\":\"E11000 duplicate key error "
            "collection: rec.b index: a_1 dup key: { a: 1 "
            "}\",\"keyPattern\":{\"a\":1},\"keyValue\":{\"a\":1}}]}",
     SERVER, 11000, CLIENT_MONGO_FATAL, 0},

    /* A command of its own says it once. */
    {"{\"n\":1,\"writeConcernError\":{\"code\":64,\"errmsg\":\"waiting for replication timed "
     "out\"},\"ok\":1}",
     WRITE_CONCERN, 64, CLIENT_MONGO_RETRY, 0},

    /* Not let in. */
    {NOTHING, SERVER, 13, CLIENT_MONGO_FATAL, 0},
    {NOTHING, MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, CLIENT_MONGO_FATAL, 0},

    /* One document failed for a reason that may pass, among duplicates. */
    {COUNTS(1) ",\"writeErrors\":[" DUPLICATE(
         0, "1") ",{\"index\":1,\"code\":112,\"errmsg\":\"WriteConflict\"}]}",
     SERVER, 112, CLIENT_MONGO_RETRY, 1},
};

static enum err_status status_of(enum client_mongo_answer answer)
{
    if (answer == CLIENT_MONGO_FATAL) return ERR_REFUSED;
    return answer == CLIENT_MONGO_RETRY ? ERR_FAILED : ERR_NONE;
}

static void test_25_answers_are_classified(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct client_mongo_counts counts = {0};
        struct err e = {0};
        now = &all[i];
        enum client_mongo_answer answer = client_mongo_execute(NULL, &counts, &e);
        if (answer != now->answer)
            fail_msg("%d instead of %d: %s", answer, now->answer, now->reply);
        assert_int_equal(counts.duplicate_n, now->duplicate_n);
        assert_int_equal(e.status, status_of(answer));
        client_mongo_counts_finish(&counts);
    }
}

static void test_25_duplicates_keep_their_places(void **state)
{
    (void)state;
    struct client_mongo_counts counts = {0};
    struct err e = {0};
    now = &(struct recorded){
        COUNTS(1) ",\"writeErrors\":[" DUPLICATE(3, "x") "," DUPLICATE(70000, "y") "]}", SERVER,
        11000, CLIENT_MONGO_DUPLICATES, 2};
    assert_int_equal(client_mongo_execute(NULL, &counts, &e), CLIENT_MONGO_DUPLICATES);
    assert_int_equal(counts.duplicates[0], 3);
    assert_int_equal(counts.duplicates[1], 70000);
    client_mongo_counts_finish(&counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_25_answers_are_classified),
        cmocka_unit_test(test_25_duplicates_keep_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
