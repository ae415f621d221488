#include "io/events_mongo.h"

#include <assert.h>
#include <mongoc/mongoc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flow/consumed.h"
#include "io/doc_mongo.h"

enum { TTL_MAX_DAYS = 24855 }; /* MongoDB takes 2^31 seconds; more it refuses at every start */

const struct config_row events_mongo_rows[] = {
    {"archive", "ttl", CONFIG_DURATION, "0", "delete events so long after their time; 0 = never",
     offsetof(struct events_mongo_conf, ttl_ms), 0, INT64_C(86400000) * TTL_MAX_DAYS},
    {0},
};

struct events_mongo {
    struct client_mongo *client; /* ref in caller */
    mongoc_collection_t *events, *consumed;
    int64_t epoch;

    struct buf documents; /* the batch as BSON, one behind the other */
    size_t *ends;         /* own: where each document ends */
    size_t n, cap;
    struct consumed pairs; /* the batch as pairs */
};

struct events_mongo *events_mongo_new(struct client_mongo *client, int64_t epoch)
{
    struct events_mongo *m = mem_zero(1, sizeof *m);
    m->client = client;
    m->events = client_mongo_collection(client, "events");
    m->consumed = client_mongo_collection(client, "consumed");
    m->epoch = epoch;
    buf_init(&m->documents, SIZE_MAX / 4);
    consumed_init(&m->pairs);
    return m;
}

void events_mongo_free(struct events_mongo *m)
{
    if (!m) return;
    consumed_finish(&m->pairs);
    free(m->ends);
    buf_finish(&m->documents);
    mongoc_collection_destroy(m->consumed);
    mongoc_collection_destroy(m->events);
    free(m);
}

bool events_mongo_prepare(struct events_mongo *m, const struct events_mongo_conf *conf,
                          struct err *e)
{
    return client_mongo_index(m->client, "events", "{\"user\": 1, \"time\": -1}", 0, e) &&
           client_mongo_index(m->client, "events", "{\"time\": 1}", conf->ttl_ms, e) &&
           client_mongo_index(m->client, "consumed", "{\"user\": 1, \"last\": -1}", 0, e);
}

bool events_mongo_empty(struct events_mongo *m, bool *ret_empty, struct err *e)
{
    return client_mongo_empty(m->client, "events", ret_empty, e) &&
           (!*ret_empty || client_mongo_empty(m->client, "consumed", ret_empty, e));
}

/* --- the batch ------------------------------------------------------------------------------------ */

static void add_document(struct buf *to, const struct event *event, int64_t epoch)
{
    char id[EVENT_ID_BYTES];
    size_t document = doc_mongo_begin(to);
    doc_mongo_add_text(to, "_id", event_id(event->position, epoch, id));
    doc_mongo_add_text(to, "user", event->user);
    doc_mongo_add_text(to, "item", event->item);
    if (event->behavior.at) doc_mongo_add_text(to, "behavior", event->behavior);
    doc_mongo_add_date(to, "time", event->time_ms);
    const struct columns *c = event->columns;
    for (int i = 0; i < c->n; i++)
        if (columns_kept(c, i) && event->fields[i].at)
            doc_mongo_add_text(to, c->names[i], event->fields[i]);
    doc_mongo_end(to, document);
}

void events_mongo_add(struct events_mongo *m, const struct event *event)
{
    add_document(&m->documents, event, m->epoch);
    m->ends = mem_grow(m->ends, m->n, &m->cap, sizeof m->ends[0]);
    m->ends[m->n++] = m->documents.len;
    consumed_add(&m->pairs, event);
}

size_t events_mongo_n(const struct events_mongo *m)
{
    return m->n;
}

size_t events_mongo_bytes(const struct events_mongo *m)
{
    return m->documents.len;
}

void events_mongo_clear(struct events_mongo *m)
{
    buf_clear(&m->documents);
    consumed_clear(&m->pairs);
    m->n = 0;
}

static struct str bytes_at(const struct events_mongo *m, size_t i)
{
    size_t start = i ? m->ends[i - 1] : 0;
    return (struct str){m->documents.at + start, m->ends[i] - start};
}

static void document_at(const struct events_mongo *m, size_t i, bson_t *ret_document)
{
    struct str bytes = bytes_at(m, i);
    bool good = bson_init_static(ret_document, (const uint8_t *)bytes.at, bytes.len);
    assert(good);
}

static struct str id_of(const bson_t *document)
{
    bson_iter_t i;
    uint32_t len;
    if (!bson_iter_init_find(&i, document, "_id") || !BSON_ITER_HOLDS_UTF8(&i))
        return (struct str){0};
    const char *at = bson_iter_utf8(&i, &len);
    return (struct str){at, len};
}

/* --- reading back --------------------------------------------------------------------------------- */

static mongoc_cursor_t *find(struct events_mongo *m, const struct map *by_id)
{
    struct str *ids = mem_zero(by_id->n, sizeof ids[0]);
    const struct map_entry *entry;
    size_t n = 0;
    for (size_t cursor = 0; (entry = map_next(by_id, &cursor));) ids[n++] = key_str(&entry->key);
    bson_t *filter = doc_mongo_in(ids, n);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(m->events, filter, NULL, NULL);
    bson_destroy(filter);
    free(ids);
    return cursor;
}

static void compare_one(const struct events_mongo *m, const struct map *by_id, const bson_t *stored,
                        struct events_mongo_report *report)
{
    struct str id = id_of(stored);
    const uint64_t *found = map_find(by_id, id);
    if (!found) return;
    bson_t own;
    document_at(m, *found, &own);
    if (bson_equal(&own, stored)) return;
    report->conflict_n++;
    assert(id.len < sizeof report->conflict_id);
    memcpy(report->conflict_id, id.at, id.len);
    report->conflict_id[id.len] = '\0';
}

/* What is gone meanwhile (a ttl) cannot differ. */
static enum client_mongo_answer compare(struct events_mongo *m, const struct map *by_id,
                                        struct events_mongo_report *report, struct err *e)
{
    mongoc_cursor_t *cursor = find(m, by_id);
    const bson_t *stored;
    while (mongoc_cursor_next(cursor, &stored)) compare_one(m, by_id, stored, report);
    bson_error_t error;
    enum client_mongo_answer answer = CLIENT_MONGO_DUPLICATES;
    if (mongoc_cursor_error(cursor, &error)) answer = client_mongo_failed("read events", &error, e);
    mongoc_cursor_destroy(cursor);
    return answer;
}

static enum client_mongo_answer read_back(struct events_mongo *m,
                                          const struct client_mongo_counts *counts,
                                          struct events_mongo_report *report, struct err *e)
{
    struct map by_id;
    map_init(&by_id);
    for (size_t i = 0; i < counts->duplicate_n; i++) {
        bson_t own;
        document_at(m, counts->duplicates[i], &own);
        *map_put(&by_id, id_of(&own), NULL) = counts->duplicates[i];
    }
    enum client_mongo_answer answer = compare(m, &by_id, report, e);
    map_finish(&by_id);
    return answer;
}

/* --- writing -------------------------------------------------------------------------------------- */

static enum client_mongo_answer insert_events(struct events_mongo *m,
                                              struct events_mongo_report *report, struct err *e)
{
    struct client_mongo_write *w = client_mongo_write_new(m->events, CLIENT_MONGO_INSERT);
    for (size_t i = 0; i < m->n; i++) client_mongo_write_add(w, bytes_at(m, i));
    struct client_mongo_counts counts = {0};
    enum client_mongo_answer answer = client_mongo_write_execute(w, &counts, e);
    report->duplicate_n = counts.duplicate_n;
    if (answer == CLIENT_MONGO_DUPLICATES) answer = read_back(m, &counts, report, e);
    client_mongo_counts_finish(&counts);
    return answer;
}

/* Most pairs are new, and an insert costs MongoDB a third of an upsert. */
static void insert_pair(struct client_mongo_write *command, const struct consumed_entry *pair)
{
    struct buf *to = client_mongo_write_begin(command);
    doc_mongo_add_text(to, "_id", pair->key);
    doc_mongo_add_text(to, "user", pair->user);
    doc_mongo_add_text(to, "item", pair->item);
    doc_mongo_add_date(to, "first", pair->span.first_ms);
    doc_mongo_add_date(to, "last", pair->span.last_ms);
    client_mongo_write_end(command);
}

static void add_limit(struct buf *to, const char *op, const char *name, int64_t time_ms)
{
    size_t limit = doc_mongo_begin_member(to, op);
    doc_mongo_add_date(to, name, time_ms);
    doc_mongo_end(to, limit);
}

/* first = min(first, ours), last = max(last, ours): in any order, any number of times. */
static void widen_pair(struct client_mongo_write *command, const struct consumed_entry *pair)
{
    struct buf *to = client_mongo_write_begin(command);
    doc_mongo_add_text(to, "_id", pair->key);
    client_mongo_write_change(command);
    add_limit(to, "$min", "first", pair->span.first_ms);
    add_limit(to, "$max", "last", pair->span.last_ms);
    client_mongo_write_end(command);
}

/* Widens those of the pairs that were there already. */
static enum client_mongo_answer widen(struct events_mongo *m, const struct consumed_entry *pairs,
                                      const struct client_mongo_counts *known, struct err *e)
{
    struct client_mongo_write *w = client_mongo_write_new(m->consumed, CLIENT_MONGO_UPDATE);
    for (size_t i = 0; i < known->duplicate_n; i++) widen_pair(w, &pairs[known->duplicates[i]]);
    struct client_mongo_counts counts = {0};
    enum client_mongo_answer answer = client_mongo_write_execute(w, &counts, e);
    if (answer == CLIENT_MONGO_DONE && (size_t)counts.matched_n != known->duplicate_n) {
        err_set(e, "mongodb: consumed: somebody deletes documents");
        answer = CLIENT_MONGO_RETRY;
    }
    client_mongo_counts_finish(&counts);
    return answer;
}

static enum client_mongo_answer write_pairs(struct events_mongo *m, struct err *e)
{
    struct consumed_entry *pairs = mem_zero(m->pairs.index.n, sizeof pairs[0]);
    struct client_mongo_write *w = client_mongo_write_new(m->consumed, CLIENT_MONGO_INSERT);
    for (size_t cursor = 0, i = 0; consumed_next(&m->pairs, &cursor, &pairs[i]); i++)
        insert_pair(w, &pairs[i]);
    struct client_mongo_counts known = {0};
    enum client_mongo_answer answer = client_mongo_write_execute(w, &known, e);
    if (answer == CLIENT_MONGO_DUPLICATES) answer = widen(m, pairs, &known, e);
    client_mongo_counts_finish(&known);
    free(pairs);
    return answer;
}

enum client_mongo_answer events_mongo_write(struct events_mongo *m,
                                            struct events_mongo_report *ret_report, struct err *e)
{
    *ret_report = (struct events_mongo_report){0};
    enum client_mongo_answer inserted = insert_events(m, ret_report, e);
    if (inserted >= CLIENT_MONGO_RETRY) return inserted;
    enum client_mongo_answer paired = write_pairs(m, e);
    return paired == CLIENT_MONGO_DONE ? inserted : paired;
}
