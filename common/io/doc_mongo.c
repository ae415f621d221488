#include "io/doc_mongo.h"

#include <assert.h>
#include <bson/bson.h>
#include <string.h>

enum { SLATE_MAX = 1000 };

/* --- writing -------------------------------------------------------------------------------------- */

/* Type, name, and room for a value of so many bytes. */
static char *put(struct buf *to, bson_type_t type, struct str name, size_t n)
{
    char *at = buf_extend(to, 1 + name.len + 1 + n);
    assert(at);
    *at++ = (char)type;
    memcpy(at, name.at, name.len);
    at += name.len;
    *at++ = '\0';
    return at;
}

static char *put_int32(char *at, int32_t value)
{
    value = (int32_t)BSON_UINT32_TO_LE((uint32_t)value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static void put_int64(char *at, int64_t value)
{
    value = (int64_t)BSON_UINT64_TO_LE((uint64_t)value);
    memcpy(at, &value, sizeof value);
}

static void put_text(struct buf *to, struct str name, struct str text)
{
    char *at = put(to, BSON_TYPE_UTF8, name, sizeof(int32_t) + text.len + 1);
    at = put_int32(at, (int32_t)text.len + 1);
    if (text.len) memcpy(at, text.at, text.len);
    at[text.len] = '\0';
}

/* Where the length will be, which is known at the end. */
static size_t begin(struct buf *to, bson_type_t type, struct str name)
{
    put(to, type, name, sizeof(int32_t));
    return to->len - sizeof(int32_t);
}

static struct str index_of(size_t i, char digits[STR_INT64_BYTES])
{
    return (struct str){digits, (size_t)(str_put_int64(digits, (int64_t)i) - digits)};
}

size_t doc_mongo_begin(struct buf *to)
{
    char *at = buf_extend(to, sizeof(int32_t));
    assert(at);
    return to->len - sizeof(int32_t);
}

size_t doc_mongo_begin_member(struct buf *to, const char *name)
{
    return begin(to, BSON_TYPE_DOCUMENT, str_of(name));
}

size_t doc_mongo_begin_list(struct buf *to, const char *name)
{
    return begin(to, BSON_TYPE_ARRAY, str_of(name));
}

size_t doc_mongo_begin_element(struct buf *list, size_t i)
{
    char digits[STR_INT64_BYTES];
    return begin(list, BSON_TYPE_DOCUMENT, index_of(i, digits));
}

void doc_mongo_end(struct buf *to, size_t begun)
{
    buf_add(to, "", 1);
    assert(!to->overflow && to->len - begun <= INT32_MAX);
    put_int32(to->at + begun, (int32_t)(to->len - begun));
}

void doc_mongo_add_text(struct buf *to, const char *name, struct str text)
{
    put_text(to, str_of(name), text);
}

void doc_mongo_add_int32(struct buf *to, const char *name, int32_t value)
{
    put_int32(put(to, BSON_TYPE_INT32, str_of(name), sizeof value), value);
}

void doc_mongo_add_int64(struct buf *to, const char *name, int64_t value)
{
    put_int64(put(to, BSON_TYPE_INT64, str_of(name), sizeof value), value);
}

void doc_mongo_add_date(struct buf *to, const char *name, int64_t time_ms)
{
    put_int64(put(to, BSON_TYPE_DATE_TIME, str_of(name), sizeof time_ms), time_ms);
}

void doc_mongo_add_bool(struct buf *to, const char *name, bool value)
{
    *put(to, BSON_TYPE_BOOL, str_of(name), 1) = value;
}

void doc_mongo_add_null(struct buf *to, const char *name)
{
    put(to, BSON_TYPE_NULL, str_of(name), 0);
}

void doc_mongo_add_element(struct buf *list, size_t i, struct str text)
{
    char digits[STR_INT64_BYTES];
    put_text(list, index_of(i, digits), text);
}

void doc_mongo_add_document(struct buf *list, size_t i, struct str document)
{
    char digits[STR_INT64_BYTES];
    char *at = put(list, BSON_TYPE_DOCUMENT, index_of(i, digits), document.len);
    memcpy(at, document.at, document.len);
}

static void add_list(struct buf *to, const char *name, const struct str *texts, size_t n)
{
    size_t list = doc_mongo_begin_list(to, name);
    for (size_t i = 0; i < n; i++) doc_mongo_add_element(to, i, texts[i]);
    doc_mongo_end(to, list);
}

void doc_mongo_add_slate(struct buf *to, const struct slate *slate)
{
    add_list(to, "items", slate->items, slate->n);
    doc_mongo_add_text(to, "source", str_of(slate_source_name(slate->source)));
}

bson_t *doc_mongo_in(const struct str *ids, size_t n)
{
    struct buf filter;
    buf_init(&filter, BSON_MAX_SIZE);
    size_t whole = doc_mongo_begin(&filter), id = doc_mongo_begin_member(&filter, "_id");
    add_list(&filter, "$in", ids, n);
    doc_mongo_end(&filter, id);
    doc_mongo_end(&filter, whole);
    bson_t *copy = bson_new_from_data((const uint8_t *)filter.at, filter.len);
    assert(copy);
    buf_finish(&filter);
    return copy;
}

/* --- reading -------------------------------------------------------------------------------------- */

bool doc_mongo_text(const void *bson_iter, size_t least, size_t most, struct str *ret_text)
{
    const bson_iter_t *i = bson_iter;
    uint32_t len;
    if (!BSON_ITER_HOLDS_UTF8(i)) return false;
    const char *at = bson_iter_utf8(i, &len);
    *ret_text = (struct str){at, len};
    return len >= least && len <= most && str_is_text(*ret_text);
}

struct slate *doc_mongo_slate(const bson_t *document)
{
    struct str items[SLATE_MAX], name;
    enum slate_source source;
    size_t n = 0;
    bson_iter_t i, element;
    if (!bson_iter_init_find(&i, document, "source") || !doc_mongo_text(&i, 1, 16, &name) ||
        !slate_source_of(name, &source))
        return NULL;
    if (!bson_iter_init_find(&i, document, "items") || !BSON_ITER_HOLDS_ARRAY(&i) ||
        !bson_iter_recurse(&i, &element))
        return NULL;
    for (; bson_iter_next(&element); n++)
        if (n == SLATE_MAX || !doc_mongo_text(&element, 1, EVENT_KEY_MAX, &items[n])) return NULL;
    return slate_new(source, items, n);
}
