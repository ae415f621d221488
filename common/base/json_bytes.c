#include "base/json_bytes.h"

static bool plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

void json_bytes_str(struct buf *out, struct str s)
{
    buf_add(out, "\"", 1);
    for (size_t i = 0, start = 0; i <= s.len; i++) {
        if (i < s.len && plain(s.at[i])) continue;
        buf_add(out, s.at + start, i - start);
        start = i + 1;
        if (i == s.len) break;
        if ((unsigned char)s.at[i] < 0x20)
            buf_printf(out, "\\u%04x", s.at[i]);
        else
            buf_add(out, (char[]){'\\', s.at[i]}, 2);
    }
    buf_add(out, "\"", 1);
}

static bool exact_decimal(struct str id)
{
    int64_t value;
    if (id.len == 0 || id.at[0] == '-' || (id.at[0] == '0' && id.len > 1)) return false;
    return str_int64(id, &value) && value < (INT64_C(1) << 53);
}

void json_bytes_id(struct buf *out, struct str id)
{
    if (exact_decimal(id))
        buf_add_str(out, id);
    else
        json_bytes_str(out, id);
}

/* The position of the quote that ends the string begun before i, or the end of the text. */
static size_t string_end(struct str text, size_t i)
{
    while (i < text.len && text.at[i] != '"') i += text.at[i] == '\\' ? 2 : 1;
    return i;
}

bool json_bytes_bounded(struct str text, size_t depth_max, size_t values_max)
{
    size_t depth = 0, values = 1; /* each comma, colon and bracket may begin one more value */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '"')
            i = string_end(text, i + 1);
        else if (c == ',' || c == ':')
            values++;
        else if (c == '[' || c == '{')
            values++, depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        if (depth > depth_max || values > values_max) return false;
    }
    return true;
}
