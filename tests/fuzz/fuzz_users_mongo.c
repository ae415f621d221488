/* Stored documents of users and recommendations: what is taken is bounded, and is written as it was read. */
#include <assert.h>
#include <bson/bson.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/store_double.h"
#include "fuzz.h"
#include "io/recommendations_mongo.h"
#include "io/users_mongo.h"

static void check_slate(const struct slate *s)
{
    assert((unsigned)s->source < SLATE_SOURCE_N && s->n <= 1000);
    for (size_t i = 0; i < s->n; i++)
        assert(s->items[i].len >= 1 && s->items[i].len <= 256 && str_is_text(s->items[i]));
}

static void check(const struct users_mongo_doc *doc)
{
    const struct history *h = doc->history;
    assert(doc->rev >= 1 && doc->rev < INT64_MAX && h->n <= USERS_MONGO_HISTORY_MAX);
    for (size_t i = 0; i < h->n; i++) {
        assert(h->at[i].item.len >= 1 && h->at[i].item.len <= EVENT_KEY_MAX);
        assert(h->at[i].position.partition >= 0 && h->at[i].position.offset >= 0);
        assert(i == 0 || history_cmp(&h->at[i - 1], &h->at[i]) < 0);
    }
    check_slate(doc->last);
}

static struct users_mongo *users;
static struct recommendations_mongo *recommendations;
static struct str self = {"7", 1};

static void user_found(void *ctx, struct str user, struct users_mongo_doc *doc_take)
{
    bson_t **ret_written = ctx;
    struct err e = {0};
    check(doc_take);
    const struct users_mongo_write w = {user, doc_take->history, doc_take->last_ms, doc_take->last,
                                        doc_take->rev - 1};
    enum client_mongo_answer answer = users_mongo_insert(users, &w, 1, NULL, &e);
    assert(answer == CLIENT_MONGO_DONE);
    *ret_written = bson_copy(store_double.written);
    users_mongo_doc_free(doc_take);
}

static void slate_found(void *ctx, struct str user, struct slate *slate_take)
{
    (void)ctx, (void)user;
    check_slate(slate_take);
    free(slate_take);
}

/* Reads a document, and returns what is written of it; NULL = refused. */
static bson_t *read_user(const bson_t *document)
{
    struct err e = {0};
    bson_t *written = NULL;
    store_double.stored = document;
    enum client_mongo_answer answer = users_mongo_find(users, &self, 1, user_found, &written, &e);
    assert(answer == (written ? CLIENT_MONGO_DONE : CLIENT_MONGO_FATAL));
    assert(!written == (e.status == ERR_REFUSED));
    return written;
}

static void read_recommendation(const bson_t *document)
{
    struct err e = {0};
    store_double.stored = document;
    enum client_mongo_answer answer =
        recommendations_mongo_find(recommendations, &self, 1, slate_found, NULL, &e);
    assert((answer == CLIENT_MONGO_FATAL) == (e.status == ERR_REFUSED));
}

static void read_both(const bson_t *document)
{
    read_recommendation(document);
    bson_t *one = read_user(document);
    if (!one) return;
    bson_t *two = read_user(one);
    assert(two && bson_equal(one, two));
    bson_destroy(one);
    bson_destroy(two);
}

static void read_bytes(char *bytes, size_t n, bool right_length)
{
    bson_t document;
    uint32_t len = (uint32_t)n;
    if (n < 5) return;
    if (right_length) memcpy(bytes, &len, sizeof len);
    if (right_length) bytes[n - 1] = '\0';
    if (bson_init_static(&document, (const uint8_t *)bytes, n)) read_both(&document);
}

static void read_json(const char *text)
{
    bson_error_t error;
    bson_t *document = bson_new_from_json((const uint8_t *)text, -1, &error);
    if (document) read_both(document);
    bson_destroy(document);
}

/* The first byte: the rest is BSON ('0'), BSON but for its length ('1'), or the JSON of it ('2'). */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    if (!users) users = users_mongo_new(NULL);
    if (!recommendations) recommendations = recommendations_mongo_new(NULL);
    uint64_t kind = fuzz_take(&f, 1) % 3;
    char *bytes = fuzz_exact(fuzz_rest(&f), kind == 2);
    if (kind == 2)
        read_json(bytes);
    else
        read_bytes(bytes, f.n, kind == 1);
    store_double_forget();
    free(bytes);
    return 0;
}
