#include "inference-client/codec.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_bytes.h"
#include "base/map.h"
#include "base/mem.h"

enum {
    ID_MAX_BYTES = 256,
    ID_MAX_ESCAPED = 6 * ID_MAX_BYTES + 4, /* every byte as \u00xx, with quotes, comma and space */
    REPLY_MAX_BYTES = 16 << 20,
    REPLY_DEPTH = 2,
    SPARE_ROW_ITEMS = 1000, /* a service may answer more than it was asked for */
};

static void put_ids(struct buf *out, const struct str *ids, size_t n)
{
    buf_add(out, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add(out, ",", 1);
        json_bytes_id(out, ids[i]);
    }
    buf_add(out, "]", 1);
}

static bool any_excludes(const struct client_ask *const *asks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (asks[i]->exclude_n) return true;
    return false;
}

void codec_request(struct buf *out, const struct client_ask *const *asks, size_t n)
{
    buf_printf(out, "{\"n_rec\":%d,\"user\":[", asks[0]->n_rec);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add(out, ",", 1);
        json_bytes_id(out, asks[i]->user);
    }
    buf_printf(out, "],\"item\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add(out, ",", 1);
        put_ids(out, asks[i]->history, asks[i]->history_n);
    }
    if (any_excludes(asks, n)) {
        buf_printf(out, "],\"exclude\":[");
        for (size_t i = 0; i < n; i++) {
            if (i) buf_add(out, ",", 1);
            put_ids(out, asks[i]->exclude, asks[i]->exclude_n);
        }
    }
    buf_printf(out, "]}");
}

size_t codec_reply_max(size_t users_n, int n_rec)
{
    size_t max = 64 + users_n * (8 + (size_t)n_rec * ID_MAX_ESCAPED);
    return max < REPLY_MAX_BYTES ? max : REPLY_MAX_BYTES;
}

/* The text of an id, written to `to`; no longer than its JSON was. len 0 = not an id. */
static struct str id_text(const json_t *value, char *to)
{
    struct str id = {to, 0};
    if (json_is_integer(value)) {
        id.len = (size_t)sprintf(to, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_string(value) && json_string_length(value) <= ID_MAX_BYTES) {
        id.len = json_string_length(value);
        memcpy(to, json_string_value(value), id.len);
        if (!str_is_text(id)) id.len = 0;
    }
    return id;
}

/* Where the next id goes, and which ids the row has already. */
struct filler {
    struct codec_reply *reply;
    size_t n, text_len;
    struct map seen;
};

static bool fill_row(struct filler *f, const json_t *row, int n_rec)
{
    if (!json_is_array(row)) return false;
    map_clear(&f->seen);
    for (size_t i = 0; i < json_array_size(row) && f->seen.n < (size_t)n_rec; i++) {
        struct str id = id_text(json_array_get(row, i), f->reply->text + f->text_len);
        if (id.len == 0) return false;
        bool new_id;
        map_put(&f->seen, id, &new_id);
        if (!new_id) continue;
        f->reply->at[f->n++] = id;
        f->text_len += id.len;
    }
    return true;
}

static bool fill(struct codec_reply *r, const json_t *root, size_t users_n, int n_rec)
{
    if (!json_is_array(root) || json_array_size(root) != users_n) return false;
    struct filler f = {.reply = r};
    map_init(&f.seen);
    bool good = true;
    for (size_t u = 0; u < users_n && good; u++) {
        good = fill_row(&f, json_array_get(root, u), n_rec);
        r->ends[u] = f.n;
    }
    map_finish(&f.seen);
    return good;
}

bool codec_decode(struct codec_reply *r, struct str body, size_t users_n, int n_rec)
{
    *r = (struct codec_reply){0};
    if (!json_bytes_bounded(body, REPLY_DEPTH, 2 + users_n * ((size_t)n_rec + SPARE_ROW_ITEMS)))
        return false;
    json_t *root = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!root) return false;
    r->at = mem_zero(users_n * (size_t)n_rec, sizeof r->at[0]);
    r->ends = mem_zero(users_n, sizeof r->ends[0]);
    r->text = mem_zero(body.len + 1, 1);
    bool good = fill(r, root, users_n, n_rec);
    json_decref(root);
    if (!good) codec_finish(r);
    return good;
}

const struct str *codec_row(const struct codec_reply *r, size_t user, size_t *ret_n)
{
    size_t from = user ? r->ends[user - 1] : 0;
    *ret_n = r->ends[user] - from;
    return r->at + from;
}

void codec_finish(struct codec_reply *r)
{
    free(r->at);
    free(r->ends);
    free(r->text);
    *r = (struct codec_reply){0};
}
