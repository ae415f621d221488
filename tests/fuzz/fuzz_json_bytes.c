/* JSON without a library against the library: a text within the bound has no more depth and values than it says, and
 * strings and ids are read as they were written. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/json_bytes.h"
#include "fuzz.h"

static size_t depth_of(const json_t *value)
{
    size_t deepest = 0, depth, i;
    const char *key;
    json_t *inner;
    json_array_foreach(value, i, inner) if ((depth = depth_of(inner)) > deepest) deepest = depth;
    json_object_foreach((json_t *)value, key, inner) if ((depth = depth_of(inner)) > deepest)
        deepest = depth;
    return json_is_array(value) || json_is_object(value) ? deepest + 1 : 0;
}

static size_t values_of(const json_t *value)
{
    size_t n = 1, i;
    const char *key;
    json_t *inner;
    json_array_foreach(value, i, inner) n += values_of(inner);
    json_object_foreach((json_t *)value, key, inner) n += values_of(inner);
    return n;
}

static void bounded(struct str text)
{
    json_t *root = json_loadb(text.at, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!root) return;
    size_t depth = depth_of(root), values = values_of(root);
    if (depth > 0) assert(!json_bytes_bounded(text, depth - 1, SIZE_MAX));
    assert(json_bytes_bounded(text, depth, SIZE_MAX));
    assert(!json_bytes_bounded(text, SIZE_MAX, values - 1));
    json_decref(root);
}

static void written(struct str text)
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    json_bytes_id(&out, text);
    json_t *id = json_loadb(out.at, out.len, JSON_DECODE_ANY, NULL);
    bool exact = json_is_integer(id) && json_integer_value(id) < (INT64_C(1) << 53);
    assert(json_is_string(id) || exact);
    char *back = json_is_string(id) ? NULL : json_dumps(id, JSON_ENCODE_ANY);
    struct str read =
        back ? str_of(back) : (struct str){json_string_value(id), json_string_length(id)};
    assert(str_eq(text, read));
    free(back);
    json_decref(id);
    buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct str text = {fuzz_exact((struct str){(const char *)at, n}, false), n};
    json_bytes_bounded(text, 3, 10);
    bounded(text);
    if (n && str_is_text(text)) written(text);
    free((char *)text.at);
    return 0;
}
