/* The floor of weir-archive: a loop of unordered bulks that writes the same documents, `events` alone or `consumed` too, each
 * acknowledged by the majority and the journal. Pairs are coalesced per batch and inserted, those that are there are widened.
 *
 *     floor-mongo URI DATABASE FILE BATCH events|both */
#include <mongoc/mongoc.h>
#include <string.h>

#include "floor.h"
#include "flow/consumed.h"

struct floor_mongo {
    mongoc_collection_t *events, *pairs;
    struct consumed consumed;
    bool both;
    int64_t row_n;
    bson_t document;
};

static mongoc_bulk_operation_t *bulk_of(mongoc_collection_t *collection)
{
    bson_t options = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&options, "ordered", false);
    mongoc_bulk_operation_t *bulk =
        mongoc_collection_create_bulk_operation_with_opts(collection, &options);
    bson_destroy(&options);
    return bulk;
}

static void execute(mongoc_bulk_operation_t *bulk, bson_t *ret_reply)
{
    bson_error_t error;
    if (!mongoc_bulk_operation_execute(bulk, ret_reply, &error) && error.code != 11000)
        FLOOR_DIE("floor-mongo: %s", error.message);
    mongoc_bulk_operation_destroy(bulk);
}

/* --- events --------------------------------------------------------------------------------------- */

static void text(bson_t *to, const char *name, struct str s)
{
    bson_append_utf8(to, name, -1, s.at, (int)s.len);
}

/* user,item,category,behavior,time in s */
static void add_event(struct floor_mongo *f, mongoc_bulk_operation_t *bulk, struct str row)
{
    char id[64];
    struct event event = {.user = str_cut(&row, ','), .item = str_cut(&row, ',')};
    struct str category = str_cut(&row, ',');
    event.behavior = str_cut(&row, ',');
    event.time_ms = strtoll(row.at, NULL, 10) * 1000;
    int len =
        snprintf(id, sizeof id, "1:%lld:%lld:0", (long long)f->row_n % 4, (long long)f->row_n / 4);
    bson_reinit(&f->document);
    text(&f->document, "_id", (struct str){id, (size_t)len});
    text(&f->document, "user", event.user);
    text(&f->document, "item", event.item);
    text(&f->document, "behavior", event.behavior);
    BSON_APPEND_DATE_TIME(&f->document, "time", event.time_ms);
    text(&f->document, "category", category);
    mongoc_bulk_operation_insert(bulk, &f->document);
    if (f->both) consumed_add(&f->consumed, &event);
    f->row_n++;
}

/* --- consumed --------------------------------------------------------------------------------------- */

static void add_pair(struct floor_mongo *f, mongoc_bulk_operation_t *bulk,
                     const struct consumed_entry *pair)
{
    bson_reinit(&f->document);
    text(&f->document, "_id", pair->key);
    text(&f->document, "user", pair->user);
    text(&f->document, "item", pair->item);
    BSON_APPEND_DATE_TIME(&f->document, "first", pair->span.first_ms);
    BSON_APPEND_DATE_TIME(&f->document, "last", pair->span.last_ms);
    mongoc_bulk_operation_insert(bulk, &f->document);
}

static void append_span(bson_t *update, const char *operator, const char * name, int64_t ms)
{
    bson_t part;
    bson_append_document_begin(update, operator, - 1, &part);
    bson_append_date_time(&part, name, -1, ms);
    bson_append_document_end(update, &part);
}

static void widen_pair(mongoc_bulk_operation_t *bulk, const struct consumed_entry *pair)
{
    bson_t filter = BSON_INITIALIZER, update = BSON_INITIALIZER;
    text(&filter, "_id", pair->key);
    append_span(&update, "$min", "first", pair->span.first_ms);
    append_span(&update, "$max", "last", pair->span.last_ms);
    mongoc_bulk_operation_update_one(bulk, &filter, &update, false);
    bson_destroy(&filter);
    bson_destroy(&update);
}

/* The pairs whose insert the reply refuses. */
static void widen(struct floor_mongo *f, const struct consumed_entry *pairs, const bson_t *reply)
{
    bson_iter_t found, list, member;
    if (!bson_iter_init_find(&found, reply, "writeErrors") || !bson_iter_recurse(&found, &list))
        return;
    mongoc_bulk_operation_t *bulk = bulk_of(f->pairs);
    bson_t answer;
    size_t n = 0;
    for (; bson_iter_next(&list); n++)
        if (bson_iter_recurse(&list, &member) && bson_iter_find(&member, "index"))
            widen_pair(bulk, &pairs[bson_iter_int32(&member)]);
    if (n == 0) {
        mongoc_bulk_operation_destroy(bulk);
        return;
    }
    execute(bulk, &answer);
    bson_destroy(&answer);
}

static void write_pairs(struct floor_mongo *f, size_t batch)
{
    struct consumed_entry *pairs = calloc(batch, sizeof pairs[0]);
    mongoc_bulk_operation_t *bulk = bulk_of(f->pairs);
    bson_t reply;
    size_t n = 0;
    for (size_t cursor = 0; consumed_next(&f->consumed, &cursor, &pairs[n]); n++)
        add_pair(f, bulk, &pairs[n]);
    execute(bulk, &reply);
    widen(f, pairs, &reply);
    bson_destroy(&reply);
    consumed_clear(&f->consumed);
    free(pairs);
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static size_t write_batch(struct floor_mongo *f, struct floor_file *rest, size_t batch)
{
    mongoc_bulk_operation_t *bulk = bulk_of(f->events);
    bson_t reply;
    size_t n = 0, len;
    for (const char *line; n < batch && (line = floor_line(rest, &len)); n++)
        add_event(f, bulk, (struct str){line, len});
    if (n == 0) {
        mongoc_bulk_operation_destroy(bulk);
        return 0;
    }
    execute(bulk, &reply);
    bson_destroy(&reply);
    if (f->both) write_pairs(f, batch + 1);
    return n;
}

static mongoc_client_t *connect_to(const char *address)
{
    mongoc_uri_t *uri = mongoc_uri_new(address);
    mongoc_write_concern_t *concern = mongoc_write_concern_new();
    mongoc_write_concern_set_w(concern, MONGOC_WRITE_CONCERN_W_MAJORITY);
    mongoc_write_concern_set_journal(concern, true);
    mongoc_uri_set_write_concern(uri, concern);
    mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
    mongoc_client_t *client = mongoc_client_new_from_uri(uri);
    mongoc_write_concern_destroy(concern);
    mongoc_uri_destroy(uri);
    return client;
}

int main(int argc, char **argv)
{
    if (argc != 6) FLOOR_DIE("usage: floor-mongo URI DATABASE FILE BATCH events|both");
    mongoc_init();
    mongoc_client_t *client = connect_to(argv[1]);
    struct floor_mongo f = {.both = strcmp(argv[5], "both") == 0};
    f.events = mongoc_client_get_collection(client, argv[2], "events");
    f.pairs = mongoc_client_get_collection(client, argv[2], "consumed");
    bson_init(&f.document);
    consumed_init(&f.consumed);
    struct floor_file file = floor_file(argv[3]);
    while (write_batch(&f, &file, (size_t)atol(argv[4]))) continue;
    printf("{\"rows\": %lld}\n", (long long)f.row_n);
    consumed_finish(&f.consumed);
    bson_destroy(&f.document);
    mongoc_collection_destroy(f.events);
    mongoc_collection_destroy(f.pairs);
    mongoc_client_destroy(client);
    mongoc_cleanup();
    return 0;
}
