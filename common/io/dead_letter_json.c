#include "io/dead_letter_json.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"

enum { RAW_MAX_BYTES = 65536 };

/* RFC 4648, section 4. The caller frees the text. */
static char *base64(const unsigned char *at, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = mem_zero((len + 2) / 3 * 4 + 1, 1), *to = text;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        unsigned bits = (unsigned)at[i] << 16;
        if (left > 1) bits |= (unsigned)at[i + 1] << 8;
        if (left > 2) bits |= at[i + 2];
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[bits & 63] : '=';
    }
    return text;
}

/* JSON is UTF-8, but a file's name may be any bytes. */
static json_t *source_of(struct str source)
{
    if (str_is_text(source)) return json_stringn(source.at ? source.at : "", source.len);
    char *text = mem_dup(source.at, source.len);
    for (size_t i = 0; i < source.len; i++)
        if (text[i] < 0x20 || text[i] > 0x7e) text[i] = '?';
    json_t *json = json_stringn(text, source.len);
    free(text);
    return json;
}

static int add(const char *bytes, size_t n, void *out)
{
    buf_add(out, bytes, n);
    return 0;
}

void dead_letter_json(struct buf *out, const char *reason, struct str source, struct str raw)
{
    size_t kept = raw.len < RAW_MAX_BYTES ? raw.len : RAW_MAX_BYTES;
    char *encoded = base64((const unsigned char *)raw.at, kept);
    json_t *letter = json_object();
    int failed = json_object_set_new(letter, "reason", json_string(reason)) |
                 json_object_set_new(letter, "source", source_of(source)) |
                 json_object_set_new(letter, "bytes", json_integer((json_int_t)raw.len)) |
                 json_object_set_new(letter, "base64", json_string(encoded));
    buf_clear(out);
    failed |= json_dump_callback(letter, add, out, JSON_COMPACT);
    assert(!failed);
    json_decref(letter);
    free(encoded);
}
