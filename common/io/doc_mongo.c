#include "io/doc_mongo.h"

#include <bson/bson.h>

enum { SLATE_MAX = 1000 };

void doc_mongo_add_text(bson_t *to, const char *name, struct str text)
{
    bson_append_utf8(to, name, -1, text.at, (int)text.len);
}

void doc_mongo_add_element(bson_t *list, size_t i, struct str text)
{
    char digits[16];
    const char *key;
    size_t len = bson_uint32_to_string((uint32_t)i, &key, digits, sizeof digits);
    bson_append_utf8(list, key, (int)len, text.at, (int)text.len);
}

bool doc_mongo_text(const void *bson_iter, size_t least, size_t most, struct str *ret_text)
{
    const bson_iter_t *i = bson_iter;
    uint32_t len;
    if (!BSON_ITER_HOLDS_UTF8(i)) return false;
    const char *at = bson_iter_utf8(i, &len);
    *ret_text = (struct str){at, len};
    return len >= least && len <= most && str_is_text(*ret_text);
}

static void add_list(bson_t *to, const char *name, const struct str *texts, size_t n)
{
    bson_t list;
    BSON_APPEND_ARRAY_BEGIN(to, name, &list);
    for (size_t i = 0; i < n; i++) doc_mongo_add_element(&list, i, texts[i]);
    bson_append_array_end(to, &list);
}

void doc_mongo_add_slate(bson_t *to, const struct slate *slate)
{
    add_list(to, "items", slate->items, slate->n);
    doc_mongo_add_text(to, "source", str_of(slate_source_name(slate->source)));
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

bson_t *doc_mongo_in(const struct str *ids, size_t n)
{
    bson_t *filter = bson_new(), in;
    BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &in);
    add_list(&in, "$in", ids, n);
    bson_append_document_end(filter, &in);
    return filter;
}
