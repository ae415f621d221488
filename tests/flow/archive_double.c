#include "archive_double.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fate.h"
#include "flow/consumed.h"
#include "io/events_mongo.h"

struct stored {
    char *id, *text; /* own; the id is the first word of the text */
};

struct events_mongo {
    int64_t epoch;
    struct stored *batch; /* own */
    size_t n, cap, bytes;
    struct consumed pairs;
};

static struct {
    struct stored *events; /* own */
    size_t n, cap;
    struct pair {
        char *user, *item; /* own */
        struct consumed_span span;
    } * pairs; /* own */
    size_t pair_n, pair_cap;
} world;

static void drop(struct stored *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(events[i].id);
        free(events[i].text);
    }
}

void archive_double_close(void)
{
    drop(world.events, world.n);
    for (size_t i = 0; i < world.pair_n; i++) {
        free(world.pairs[i].user);
        free(world.pairs[i].item);
    }
    free(world.events);
    free(world.pairs);
    memset(&world, 0, sizeof world);
}

void archive_double_open(void)
{
    archive_double_close(); /* of a test that failed */
}

static struct stored *stored_at(const char *id)
{
    for (size_t i = 0; i < world.n; i++)
        if (strcmp(world.events[i].id, id) == 0) return &world.events[i];
    return NULL;
}

static void store(const char *id, const char *text)
{
    world.events = mem_grow(world.events, world.n, &world.cap, sizeof world.events[0]);
    world.events[world.n++] = (struct stored){mem_dup(id, strlen(id)), mem_dup(text, strlen(text))};
}

void archive_double_spoil(const char *id)
{
    store(id, "somebody else's");
}

/* --- events_mongo: the batch ----------------------------------------------------------------------------- */

struct events_mongo *events_mongo_new(struct client_mongo *client, int64_t epoch)
{
    (void)client;
    struct events_mongo *m = mem_zero(1, sizeof *m);
    m->epoch = epoch;
    consumed_init(&m->pairs);
    return m;
}

void events_mongo_clear(struct events_mongo *m)
{
    drop(m->batch, m->n);
    m->n = m->bytes = 0;
    consumed_clear(&m->pairs);
}

void events_mongo_free(struct events_mongo *m)
{
    if (!m) return;
    events_mongo_clear(m);
    consumed_finish(&m->pairs);
    free(m->batch);
    free(m);
}

void events_mongo_add(struct events_mongo *m, const struct event *event)
{
    char id[EVENT_ID_BYTES];
    struct str name = event_id(event->position, m->epoch, id);
    char *text =
        mem_printf("%.*s %.*s %.*s %.*s %lld", STR_ARGS(name), STR_ARGS(event->user),
                   STR_ARGS(event->item), STR_ARGS(event->behavior), (long long)event->time_ms);
    m->batch = mem_grow(m->batch, m->n, &m->cap, sizeof m->batch[0]);
    m->batch[m->n++] = (struct stored){mem_dup(name.at, name.len), text};
    m->bytes += strlen(text);
    consumed_add(&m->pairs, event);
}

size_t events_mongo_n(const struct events_mongo *m)
{
    return m->n;
}

size_t events_mongo_bytes(const struct events_mongo *m)
{
    return m->bytes;
}

/* --- events_mongo: the store ------------------------------------------------------------------------------ */

bool events_mongo_prepare(struct events_mongo *m, const struct events_mongo_conf *conf,
                          struct err *e)
{
    (void)m, (void)conf;
    return fate_ask(e) == FATE_NONE;
}

bool events_mongo_empty(struct events_mongo *m, bool *ret_empty, struct err *e)
{
    (void)m;
    if (fate_ask(e) != FATE_NONE) return false;
    *ret_empty = world.n == 0 && world.pair_n == 0;
    return true;
}

static bool chance(enum client_mongo_answer *ret_answer, struct err *e)
{
    enum fate fate = fate_ask(e);
    *ret_answer = fate == FATE_DEATH ? CLIENT_MONGO_FATAL : CLIENT_MONGO_RETRY;
    return fate == FATE_NONE;
}

static void write_event(const struct stored *event, struct events_mongo_report *report)
{
    const struct stored *known = stored_at(event->id);
    if (!known) {
        store(event->id, event->text);
        return;
    }
    report->duplicate_n++;
    if (strcmp(known->text, event->text) == 0) return;
    report->conflict_n++;
    snprintf(report->conflict_id, sizeof report->conflict_id, "%s", event->id);
}

static struct pair *pair_of(const struct consumed_entry *entry)
{
    for (size_t i = 0; i < world.pair_n; i++)
        if (str_eq(str_of(world.pairs[i].user), entry->user) &&
            str_eq(str_of(world.pairs[i].item), entry->item))
            return &world.pairs[i];
    return NULL;
}

static void write_pair(const struct consumed_entry *entry)
{
    struct pair *known = pair_of(entry);
    if (known) {
        if (entry->span.first_ms < known->span.first_ms)
            known->span.first_ms = entry->span.first_ms;
        if (entry->span.last_ms > known->span.last_ms) known->span.last_ms = entry->span.last_ms;
        return;
    }
    world.pairs = mem_grow(world.pairs, world.pair_n, &world.pair_cap, sizeof world.pairs[0]);
    world.pairs[world.pair_n++] =
        (struct pair){mem_dup(entry->user.at, entry->user.len),
                      mem_dup(entry->item.at, entry->item.len), entry->span};
}

enum client_mongo_answer events_mongo_write(struct events_mongo *m,
                                            struct events_mongo_report *ret_report, struct err *e)
{
    enum client_mongo_answer answer;
    *ret_report = (struct events_mongo_report){0};
    for (size_t i = 0; i < m->n; i++) {
        if (!chance(&answer, e)) return answer;
        write_event(&m->batch[i], ret_report);
    }
    struct consumed_entry entry;
    for (size_t cursor = 0; consumed_next(&m->pairs, &cursor, &entry);) {
        if (!chance(&answer, e)) return answer;
        write_pair(&entry);
    }
    if (!chance(&answer, e)) return answer;
    return ret_report->duplicate_n ? CLIENT_MONGO_DUPLICATES : CLIENT_MONGO_DONE;
}

/* --- what readers find ------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct stored *)a)->text, ((const struct stored *)b)->text);
}

void archive_double_events(FILE *out)
{
    if (world.n) qsort(world.events, world.n, sizeof world.events[0], by_text);
    for (size_t i = 0; i < world.n; i++) fprintf(out, "%s\n", world.events[i].text);
}

static int by_user_and_item(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = strcmp(x->user, y->user);
    return order ? order : strcmp(x->item, y->item);
}

void archive_double_consumed(FILE *out)
{
    if (world.pair_n) qsort(world.pairs, world.pair_n, sizeof world.pairs[0], by_user_and_item);
    for (size_t i = 0; i < world.pair_n; i++) {
        const struct pair *p = &world.pairs[i];
        fprintf(out, "%s %s %lld %lld\n", p->user, p->item, (long long)p->span.first_ms,
                (long long)p->span.last_ms);
    }
}
