/* Documents as Weir writes them, compared with libbson's byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bson/bson.h>

#include "io/doc_mongo.h"

static const int64_t numbers[] = {0, 1, -1, 255, -256, INT32_MAX, INT64_MAX, INT64_MIN};

static void assert_same(struct buf *ours, bson_t *theirs)
{
    assert_int_equal(ours->len, theirs->len);
    assert_memory_equal(ours->at, bson_get_data(theirs), theirs->len);
    buf_finish(ours);
    bson_destroy(theirs);
}

static void empty(void **unused)
{
    (void)unused;
    struct buf ours;
    buf_init(&ours, 100);
    doc_mongo_end(&ours, doc_mongo_begin(&ours));
    assert_same(&ours, bson_new());
}

static void members(void **unused)
{
    (void)unused;
    struct buf ours;
    bson_t *theirs = bson_new();
    buf_init(&ours, 10000);
    size_t whole = doc_mongo_begin(&ours);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        doc_mongo_add_int32(&ours, "i", (int32_t)numbers[i]);
        BSON_APPEND_INT32(theirs, "i", (int32_t)numbers[i]);
        doc_mongo_add_int64(&ours, "long", numbers[i]);
        BSON_APPEND_INT64(theirs, "long", numbers[i]);
        doc_mongo_add_date(&ours, "", numbers[i]);
        BSON_APPEND_DATE_TIME(theirs, "", numbers[i]);
    }
    doc_mongo_add_bool(&ours, "yes", true);
    BSON_APPEND_BOOL(theirs, "yes", true);
    doc_mongo_add_bool(&ours, "no", false);
    BSON_APPEND_BOOL(theirs, "no", false);
    doc_mongo_add_null(&ours, "nothing");
    BSON_APPEND_NULL(theirs, "nothing");
    doc_mongo_end(&ours, whole);
    assert_same(&ours, theirs);
}

static void texts(void **unused)
{
    (void)unused;
    static const char text[] = "\xc3\xa4 text, of which a part is taken";
    struct buf ours;
    bson_t *theirs = bson_new();
    buf_init(&ours, 10000);
    size_t whole = doc_mongo_begin(&ours);
    doc_mongo_add_text(&ours, "no bytes", (struct str){0});
    BSON_APPEND_UTF8(theirs, "no bytes", "");
    for (size_t len = 0; len < sizeof text; len++) {
        doc_mongo_add_text(&ours, text + len, (struct str){text, len});
        bson_append_utf8(theirs, text + len, -1, text, (int)len);
    }
    doc_mongo_end(&ours, whole);
    assert_same(&ours, theirs);
}

/* {list: [.. texts, from the 1,000th on documents with one inside]} */
static void lists(void **unused)
{
    (void)unused;
    struct buf ours;
    bson_t *theirs = bson_new(), inner = BSON_INITIALIZER, list;
    BSON_APPEND_INT32(&inner, "one", 1);
    const struct str bytes = {(const char *)bson_get_data(&inner), inner.len};
    buf_init(&ours, 100000);
    size_t whole = doc_mongo_begin(&ours), begun = doc_mongo_begin_list(&ours, "list");
    BSON_APPEND_ARRAY_BEGIN(theirs, "list", &list);
    for (uint32_t i = 0; i < 1100; i++) {
        const char *key;
        char digits[16];
        bson_t element;
        bson_uint32_to_string(i, &key, digits, sizeof digits);
        if (i < 1000) {
            doc_mongo_add_element(&ours, i, str_of("text"));
            BSON_APPEND_UTF8(&list, key, "text");
            continue;
        }
        size_t document = doc_mongo_begin_element(&ours, i);
        size_t member = doc_mongo_begin_member(&ours, "inner");
        doc_mongo_add_int32(&ours, "one", 1);
        doc_mongo_end(&ours, member);
        doc_mongo_end(&ours, document);
        BSON_APPEND_DOCUMENT_BEGIN(&list, key, &element);
        BSON_APPEND_DOCUMENT(&element, "inner", &inner);
        bson_append_document_end(&list, &element);
    }
    doc_mongo_add_document(&ours, 1100, bytes);
    BSON_APPEND_DOCUMENT(&list, "1100", &inner);
    bson_append_array_end(theirs, &list);
    doc_mongo_end(&ours, begun);
    doc_mongo_end(&ours, whole);
    assert_same(&ours, theirs);
    bson_destroy(&inner);
}

static void ids(void **unused)
{
    (void)unused;
    const struct str some[] = {str_of("7"), str_of("8\x1f"
                                                   "9")};
    bson_t *ours = doc_mongo_in(some, COUNT_OF(some));
    bson_t *theirs = BCON_NEW("_id", "{", "$in", "[", "7",
                              "8\x1f"
                              "9",
                              "]", "}");
    assert_true(bson_equal(ours, theirs));
    assert_true(bson_validate(ours, BSON_VALIDATE_UTF8, NULL));
    bson_destroy(ours);
    bson_destroy(theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty), cmocka_unit_test(members), cmocka_unit_test(texts),
        cmocka_unit_test(lists), cmocka_unit_test(ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
