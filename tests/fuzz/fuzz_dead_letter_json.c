/* Dead letters: whatever the bad row and its source are, the letter is JSON from which the row's bytes come back. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "io/dead_letter_json.h"

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = strchr(digits, c);
    assert(c && found);
    return (int)(found - digits);
}

static void compare(const char *text, struct str raw)
{
    size_t len = strlen(text), at = 0, bits_n = 0;
    unsigned bits = 0;
    assert(len == (raw.len + 2) / 3 * 4);
    for (; len && text[len - 1] == '='; len--) continue;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 6 | (unsigned)digit(text[i]);
        bits_n += 6;
        if (bits_n < 8) continue;
        bits_n -= 8;
        assert(at < raw.len && (unsigned char)raw.at[at++] == (bits >> bits_n & 0xff));
    }
    assert(at == raw.len);
}

/* The first byte is the length of the source's name. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    struct buf letter;
    size_t len = fuzz_take(&f, 1);
    struct str raw = fuzz_rest(&f), source = {raw.at, len < raw.len ? len : raw.len};
    raw.at += source.len;
    raw.len -= source.len;
    buf_init(&letter, SIZE_MAX);
    dead_letter_json(&letter, "columns", source, raw);
    json_t *json = json_loadb(letter.at, letter.len, JSON_REJECT_DUPLICATES, NULL);
    assert(json && json_integer_value(json_object_get(json, "bytes")) == (json_int_t)raw.len);
    const json_t *name = json_object_get(json, "source");
    assert(json_string_length(name) == source.len);
    compare(json_string_value(json_object_get(json, "base64")), raw);
    json_decref(json);
    buf_finish(&letter);
    return 0;
}
