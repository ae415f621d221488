/* Stored documents of users: what Weir wrote is read and written again byte for byte, damage is refused or does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <bson/bson.h>

#include "golden.h"
#include "io/users_mongo.h"
#include "store_double.h"

static struct users_mongo *users;

static void check(const struct users_mongo_doc *doc)
{
    const struct history *h = doc->history;
    assert_in_range(doc->rev, 1, INT64_MAX - 1);
    assert_in_range(h->n, 0, USERS_MONGO_HISTORY_MAX);
    for (size_t i = 0; i < h->n; i++) {
        assert_in_range(h->at[i].item.len, 1, EVENT_KEY_MAX);
        assert_true(str_is_text(h->at[i].item) && str_is_text(h->at[i].behavior));
        assert_true(i == 0 || history_cmp(&h->at[i - 1], &h->at[i]) < 0);
    }
}

/* Writes what was found, as it was found. */
static void found(void *ctx, struct str user, struct users_mongo_doc *doc_take)
{
    *(size_t *)ctx += 1;
    struct err e = {0};
    check(doc_take);
    const struct users_mongo_write w = {user, doc_take->history, doc_take->last_ms, doc_take->last,
                                        doc_take->rev - 1};
    assert_int_equal(users_mongo_insert(users, &w, 1, NULL, &e), CLIENT_MONGO_DONE);
    users_mongo_doc_free(doc_take);
}

/* True if the document is taken, which is in store_double.written then; else e says why not. */
static bool taken(const bson_t *document, struct err *e)
{
    const struct str user = str_of("7");
    size_t n = 0;
    store_double.stored = document;
    enum client_mongo_answer answer = users_mongo_find(users, &user, 1, found, &n, e);
    assert_int_equal(answer, n ? CLIENT_MONGO_DONE : CLIENT_MONGO_FATAL);
    assert_int_equal(e->status, n ? ERR_NONE : ERR_REFUSED);
    return n;
}

static bool bytes_taken(const char *at, size_t len)
{
    struct err e = {0};
    bson_t document;
    char *copy = mem_dup(at, len); /* of exactly that length, for the sanitizer, but for its NUL */
    bool good = bson_init_static(&document, (const uint8_t *)copy, len) && taken(&document, &e);
    free(copy);
    return good;
}

static void test_34_user(void **unused)
{
    (void)unused;
    struct buf record = golden_read("users-1.bson");
    struct err e = {0};
    bson_t document;
    assert_true(bson_init_static(&document, (const uint8_t *)record.at, record.len));
    assert_true(taken(&document, &e));
    assert_true(bson_equal(&document, store_double.written));
    bson_t newer;
    bson_init(&newer);
    bson_copy_to_excluding_noinit(&document, &newer, "v", NULL);
    BSON_APPEND_INT32(&newer, "v", 2);
    assert_false(taken(&newer, &e));
    assert_non_null(strstr(e.text, "another version"));
    bson_destroy(&newer);
    buf_finish(&record);
}

/* Numbers and texts have no checksum: a bit of them makes another good document, which is read as it stands. */
static void test_33_each_bit(void **unused)
{
    (void)unused;
    struct buf record = golden_read("users-1.bson");
    size_t taken_n = 0;
    for (size_t bit = 0; bit < record.len * 8; bit++) {
        record.at[bit / 8] = (char)(record.at[bit / 8] ^ 1 << bit % 8);
        bool good = bytes_taken(record.at, record.len);
        /* nothing is lost but a 0 in front of a number of a position */
        if (good) assert_in_range(store_double.written->len, record.len - 1, record.len);
        taken_n += good;
        record.at[bit / 8] = (char)(record.at[bit / 8] ^ 1 << bit % 8);
    }
    assert_in_range(taken_n, 1, record.len * 8 / 3);
    buf_finish(&record);
}

static void test_33_each_length(void **unused)
{
    (void)unused;
    struct buf record = golden_read("users-1.bson");
    for (uint32_t len = 0; len < record.len; len++) {
        assert_false(bytes_taken(record.at, len));
        if (len < 5) continue;
        char *cut = mem_dup(record.at, len);
        memcpy(cut, &len, sizeof len); /* a document of that length */
        cut[len - 1] = '\0';
        assert_false(bytes_taken(cut, len));
        free(cut);
    }
    buf_finish(&record);
}

/* --- every member with every type -------------------------------------------------------------------- */

enum {
    ID,
    V,
    REV,
    HISTORY,
    ITEM,
    BEHAVIOR,
    TIME,
    POS,
    LAST,
    LAST_ID,
    LAST_TIME,
    ITEMS,
    SHOWN,
    SOURCE,
    N
};

static const char *const good[N] = {
    [ID] = "\"7\"",
    [V] = "{\"$numberInt\":\"1\"}",
    [REV] = "{\"$numberLong\":\"4\"}",
    [ITEM] = "\"a\"",
    [BEHAVIOR] = "\"pv\"",
    [TIME] = "{\"$date\":{\"$numberLong\":\"5\"}}",
    [POS] = "\"0:0:0\"",
    [LAST_ID] = "\"7\\u001f9\"",
    [LAST_TIME] = "{\"$date\":{\"$numberLong\":\"9\"}}",
    [SHOWN] = "\"b\"",
    [SOURCE] = "\"hot\"",
};

/* Values, and the members that take them (bits). */
static const struct {
    const char *json;
    unsigned fits;
} values[] = {
    {"null", 0},
    {"true", 0},
    {"\"x\"", 1u << ITEM | 1u << BEHAVIOR | 1u << SHOWN},
    {"\"\"", 1u << BEHAVIOR},
    {"\"\\n\"", 0},
    {"{\"$numberInt\":\"1\"}", 1u << V},
    {"{\"$numberInt\":\"2\"}", 0},
    {"{\"$numberLong\":\"1\"}", 1u << V | 1u << REV},
    {"{\"$numberLong\":\"0\"}", 0},
    {"{\"$numberLong\":\"9223372036854775807\"}", 0},
    {"{\"$numberDouble\":\"1.0\"}", 0},
    {"{\"$date\":{\"$numberLong\":\"1\"}}", 1u << TIME},
    {"{\"$oid\":\"000000000000000000000000\"}", 0},
    {"{\"$binary\":{\"base64\":\"Nw==\",\"subType\":\"00\"}}", 0},
    {"{\"$undefined\":true}", 0},
    {"[]", 1u << HISTORY | 1u << ITEMS},
    {"[[]]", 0},
    {"{}", 0},
};

static char *json_with(int member, const char *value)
{
    const char *v[N];
    memcpy(v, good, sizeof v);
    if (member < N) v[member] = value;
    char *history = mem_printf("[{\"item\":%s,\"behavior\":%s,\"time\":%s,\"pos\":%s}]", v[ITEM],
                               v[BEHAVIOR], v[TIME], v[POS]);
    char *items = mem_printf("[%s]", v[SHOWN]);
    char *last = mem_printf("{\"id\":%s,\"time\":%s,\"items\":%s,\"source\":%s}", v[LAST_ID],
                            v[LAST_TIME], v[ITEMS] ? v[ITEMS] : items, v[SOURCE]);
    char *json =
        mem_printf("{\"_id\":%s,\"v\":%s,\"rev\":%s,\"history\":%s,\"last\":%s}", v[ID], v[V],
                   v[REV], v[HISTORY] ? v[HISTORY] : history, v[LAST] ? v[LAST] : last);
    free(last);
    free(items);
    free(history);
    return json;
}

static bool json_taken(int member, const char *value)
{
    struct err e = {0};
    bson_error_t error;
    char *json = json_with(member, value);
    bson_t *document = bson_new_from_json((const uint8_t *)json, -1, &error);
    if (!document) fail_msg("%s: %s", json, error.message);
    bool read = taken(document, &e);
    bson_destroy(document);
    free(json);
    return read;
}

static void test_33_each_type(void **unused)
{
    (void)unused;
    assert_true(json_taken(N, NULL));
    for (int member = 0; member < N; member++)
        for (size_t i = 0; i < COUNT_OF(values); i++) {
            bool fits = values[i].fits >> member & 1;
            if (json_taken(member, values[i].json) != fits)
                fail_msg("member %d = %s: %s", member, values[i].json, fits ? "refused" : "taken");
        }
}

static void history_is_bounded(void **unused)
{
    (void)unused;
    for (int n = USERS_MONGO_HISTORY_MAX; n <= USERS_MONGO_HISTORY_MAX + 1; n++) {
        struct buf history;
        buf_init(&history, SIZE_MAX);
        for (int i = 0; i < n; i++)
            buf_printf(&history, "%c{\"item\":\"a\",\"time\":%s,\"pos\":\"0:%d:0\"}", i ? ',' : '[',
                       good[TIME], i);
        buf_add(&history, "]", 2);
        assert_int_equal(json_taken(HISTORY, history.at), n == USERS_MONGO_HISTORY_MAX);
        buf_finish(&history);
    }
}

static void history_is_in_order(void **unused)
{
    (void)unused;
    static const struct {
        int first, second;
        bool taken;
    } cases[] = {{1, 2, true}, {2, 1, false}, {1, 1, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *history = mem_printf("[{\"item\":\"a\",\"time\":%s,\"pos\":\"0:%d:0\"},"
                                   "{\"item\":\"a\",\"time\":%s,\"pos\":\"0:%d:0\"}]",
                                   good[TIME], cases[i].first, good[TIME], cases[i].second);
        assert_int_equal(json_taken(HISTORY, history), cases[i].taken);
        free(history);
    }
}

static int set_up(void **unused)
{
    (void)unused;
    users = users_mongo_new(NULL);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    store_double_forget();
    users_mongo_free(users);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_34_user),        cmocka_unit_test(test_33_each_bit),
        cmocka_unit_test(test_33_each_length), cmocka_unit_test(test_33_each_type),
        cmocka_unit_test(history_is_bounded),  cmocka_unit_test(history_is_in_order),
    };
    return cmocka_run_group_tests_name("users_mongo", tests, set_up, tear_down);
}
