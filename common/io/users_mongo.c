#include "io/users_mongo.h"

#include <mongoc/mongoc.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/doc_mongo.h"

enum { VERSION = 1, POSITION_BYTES = 64, BEHAVIOR_MAX_BYTES = 4096 };

struct users_mongo {
    mongoc_collection_t *collection; /* own */
};

struct users_mongo *users_mongo_new(struct client_mongo *c)
{
    struct users_mongo *u = mem_zero(1, sizeof *u);
    u->collection = client_mongo_collection(c, "users");
    return u;
}

void users_mongo_free(struct users_mongo *u)
{
    if (!u) return;
    mongoc_collection_destroy(u->collection);
    free(u);
}

void users_mongo_doc_free(struct users_mongo_doc *doc)
{
    if (!doc) return;
    free(doc->history);
    free(doc->last);
    free(doc);
}

/* --- reading: a stored document is as hostile as any input ------------------------------------ */

static bool member(const bson_t *parent, const char *name, bson_type_t type, bson_iter_t *ret_i)
{
    return bson_iter_init_find(ret_i, parent, name) && bson_iter_type(ret_i) == type;
}

static bool inner(const bson_iter_t *i, bson_t *ret_document)
{
    uint32_t len;
    const uint8_t *bytes;
    if (!BSON_ITER_HOLDS_DOCUMENT(i)) return false;
    bson_iter_document(i, &len, &bytes);
    return bson_init_static(ret_document, bytes, len);
}

static bool part_of_position(struct str *rest, int64_t max, int64_t *ret_value)
{
    if (!rest->at) return false;
    struct str piece = str_cut(rest, ':');
    return str_int64(piece, ret_value) && *ret_value >= 0 && *ret_value <= max;
}

static bool position_of(struct str text, struct position *ret_position)
{
    int64_t partition, offset, row;
    if (!part_of_position(&text, INT32_MAX, &partition)) return false;
    if (!part_of_position(&text, INT64_MAX, &offset)) return false;
    if (!part_of_position(&text, INT32_MAX, &row) || text.at) return false;
    *ret_position = (struct position){(int32_t)partition, offset, (int32_t)row};
    return true;
}

static bool read_entry(const bson_iter_t *element, struct history_entry *entry)
{
    bson_t document;
    bson_iter_t i;
    struct str pos;
    *entry = (struct history_entry){0};
    if (!inner(element, &document) || !member(&document, "item", BSON_TYPE_UTF8, &i)) return false;
    if (!doc_mongo_text(&i, 1, EVENT_KEY_MAX, &entry->item)) return false;
    if (!member(&document, "time", BSON_TYPE_DATE_TIME, &i)) return false;
    entry->time_ms = bson_iter_date_time(&i);
    if (!member(&document, "pos", BSON_TYPE_UTF8, &i)) return false;
    if (!doc_mongo_text(&i, 5, POSITION_BYTES, &pos) || !position_of(pos, &entry->position))
        return false;
    bool named = bson_iter_init_find(&i, &document, "behavior");
    if (bson_count_keys(&document) != (named ? 4u : 3u)) return false;
    return !named || doc_mongo_text(&i, 0, BEHAVIOR_MAX_BYTES, &entry->behavior);
}

static struct history *read_history(const bson_t *document)
{
    struct history_entry entries[USERS_MONGO_HISTORY_MAX];
    size_t n = 0;
    bson_iter_t list, element;
    if (!member(document, "history", BSON_TYPE_ARRAY, &list) || !bson_iter_recurse(&list, &element))
        return NULL;
    for (; bson_iter_next(&element); n++) {
        if (n == USERS_MONGO_HISTORY_MAX || !read_entry(&element, &entries[n])) return NULL;
        if (n > 0 && history_cmp(&entries[n - 1], &entries[n]) >= 0) return NULL;
    }
    return history_merge(NULL, entries, n, n);
}

static bool is_last(const bson_t *last, struct str user, struct users_mongo_doc *doc)
{
    char text[SLATE_ID_BYTES];
    bson_iter_t i;
    uint32_t len;
    if (!member(last, "time", BSON_TYPE_DATE_TIME, &i)) return false;
    doc->last_ms = bson_iter_date_time(&i);
    if (!member(last, "id", BSON_TYPE_UTF8, &i)) return false;
    const char *id = bson_iter_utf8(&i, &len);
    return str_eq((struct str){id, len}, slate_id(user, doc->last_ms, text));
}

static bool read_fields(const bson_t *document, struct str user, struct users_mongo_doc *doc)
{
    bson_iter_t i;
    bson_t last;
    if (!member(document, "rev", BSON_TYPE_INT64, &i)) return false;
    doc->rev = bson_iter_int64(&i);
    if (doc->rev < 1 || doc->rev == INT64_MAX) return false;
    doc->history = read_history(document);
    if (!doc->history || !bson_iter_init_find(&i, document, "last") || !inner(&i, &last))
        return false;
    doc->last = doc_mongo_slate(&last);
    return doc->last && is_last(&last, user, doc);
}

static struct users_mongo_doc *read_doc(const bson_t *document, struct str user)
{
    struct users_mongo_doc *doc = mem_zero(1, sizeof *doc);
    /* An iterator that meets malformed bytes ends as if there were no more. */
    bool whole = bson_validate(document, BSON_VALIDATE_NONE, NULL);
    if (whole && read_fields(document, user, doc)) return doc;
    users_mongo_doc_free(doc);
    return NULL;
}

static bool version_of(const bson_t *document, int64_t *ret_version)
{
    bson_iter_t i;
    bool there = bson_iter_init_find(&i, document, "v") && BSON_ITER_HOLDS_INT(&i);
    if (there) *ret_version = bson_iter_as_int64(&i);
    return there;
}

static enum client_mongo_answer strange(struct str user, const char *what, struct err *e)
{
    err_refuse(e,
               "mongodb: the document of user \"%.*s\" in users %s: restore or remove it, or see "
               "weir-reset "
               "recommend",
               (int)(user.len < 64 ? user.len : 64), user.at, what);
    return CLIENT_MONGO_FATAL;
}

static enum client_mongo_answer hand_over(const bson_t *document, users_mongo_found *found,
                                          void *ctx, struct err *e)
{
    bson_iter_t i;
    struct str user;
    int64_t version = -1;
    if (!bson_iter_init_find(&i, document, "_id") || !doc_mongo_text(&i, 1, EVENT_KEY_MAX, &user))
        return strange(str_of("?"), "has an _id that is no user", e);
    if (!version_of(document, &version)) return strange(user, "has no version", e);
    if (version != VERSION) return strange(user, "is of another version of Weir", e);
    struct users_mongo_doc *doc = read_doc(document, user);
    if (!doc) return strange(user, "is not what Weir writes", e);
    found(ctx, user, doc);
    return CLIENT_MONGO_DONE;
}

enum client_mongo_answer users_mongo_find(struct users_mongo *u, const struct str *users, size_t n,
                                          users_mongo_found *found, void *ctx, struct err *e)
{
    if (n == 0) return CLIENT_MONGO_DONE;
    const bson_t *document;
    bson_error_t error;
    bson_t *filter = doc_mongo_in(users, n);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(u->collection, filter, NULL, NULL);
    enum client_mongo_answer answer = CLIENT_MONGO_DONE;
    while (answer == CLIENT_MONGO_DONE && mongoc_cursor_next(cursor, &document))
        answer = hand_over(document, found, ctx, e);
    if (answer == CLIENT_MONGO_DONE && mongoc_cursor_error(cursor, &error))
        answer = client_mongo_failed("find users", &error, e);
    mongoc_cursor_destroy(cursor);
    bson_destroy(filter);
    return answer;
}

/* --- writing ---------------------------------------------------------------------------------- */

static struct str position_text(struct position p, char text[POSITION_BYTES])
{
    char *at = str_put_int64(text, p.partition);
    *at++ = ':';
    at = str_put_int64(at, p.offset);
    *at++ = ':';
    at = str_put_int64(at, p.row);
    return (struct str){text, (size_t)(at - text)};
}

static void add_entry(struct buf *list, size_t i, const struct history_entry *entry)
{
    char pos[POSITION_BYTES];
    size_t document = doc_mongo_begin_element(list, i);
    doc_mongo_add_text(list, "item", entry->item);
    if (entry->behavior.at) doc_mongo_add_text(list, "behavior", entry->behavior);
    doc_mongo_add_date(list, "time", entry->time_ms);
    doc_mongo_add_text(list, "pos", position_text(entry->position, pos));
    doc_mongo_end(list, document);
}

static void add_history(struct buf *to, const struct history *history)
{
    size_t list = doc_mongo_begin_list(to, "history");
    for (size_t i = 0; i < history->n; i++) add_entry(to, i, &history->at[i]);
    doc_mongo_end(to, list);
}

static void add_last(struct buf *to, const struct users_mongo_write *w)
{
    char id[SLATE_ID_BYTES];
    size_t last = doc_mongo_begin_member(to, "last");
    doc_mongo_add_text(to, "id", slate_id(w->user, w->last_ms, id));
    doc_mongo_add_date(to, "time", w->last_ms);
    doc_mongo_add_slate(to, w->last);
    doc_mongo_end(to, last);
}

static void add_content(struct buf *to, const struct users_mongo_write *w)
{
    doc_mongo_add_int64(to, "rev", w->rev + 1);
    add_history(to, w->history);
    add_last(to, w);
}

static void add_insert(struct client_mongo_write *command, const struct users_mongo_write *w)
{
    struct buf *to = client_mongo_write_begin(command);
    doc_mongo_add_text(to, "_id", w->user);
    doc_mongo_add_int32(to, "v", VERSION);
    add_content(to, w);
    client_mongo_write_end(command);
}

static void add_update(struct client_mongo_write *command, const struct users_mongo_write *w)
{
    struct buf *to = client_mongo_write_begin(command);
    doc_mongo_add_text(to, "_id", w->user);
    doc_mongo_add_int64(to, "rev", w->rev);
    client_mongo_write_change(command);
    size_t set = doc_mongo_begin_member(to, "$set");
    add_content(to, w);
    doc_mongo_end(to, set);
    client_mongo_write_end(command);
}

static enum client_mongo_answer write_all(struct users_mongo *u, enum client_mongo_kind kind,
                                          const struct users_mongo_write *writes, size_t n,
                                          struct client_mongo_counts *counts, struct err *e)
{
    struct client_mongo_write *command = client_mongo_write_new(u->collection, kind);
    for (size_t i = 0; i < n; i++)
        (kind == CLIENT_MONGO_INSERT ? add_insert : add_update)(command, &writes[i]);
    return client_mongo_write_execute(command, counts, e);
}

enum client_mongo_answer users_mongo_insert(struct users_mongo *u,
                                            const struct users_mongo_write *writes, size_t n,
                                            struct client_mongo_counts *counts, struct err *e)
{
    return write_all(u, CLIENT_MONGO_INSERT, writes, n, counts, e);
}

enum client_mongo_answer users_mongo_update(struct users_mongo *u,
                                            const struct users_mongo_write *writes, size_t n,
                                            struct client_mongo_counts *counts, struct err *e)
{
    return write_all(u, CLIENT_MONGO_UPDATE, writes, n, counts, e);
}
