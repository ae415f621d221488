#include "status/balance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "replay/bookmark.h"
#include "status/stored_mongo.h"

static bool scan(const struct balance_from *from, enum topics_kafka which,
                 scan_kafka_record *record, void *ctx, struct err *e)
{
    const char *topic = from->topics[which];
    struct scan_kafka_part *parts;
    size_t n;
    if (!scan_kafka_parts(from->scan, topic, &parts, &n, e)) return false;
    bool good = scan_kafka_read(from->scan, topic, parts, n, record, ctx, e);
    free(parts);
    return good;
}

/* --- rows read -------------------------------------------------------------------------------- */

/* The newest position of every job, by its key "topic US job". */
struct jobs {
    struct map newest; /* key -> struct job * */
    struct str prefix; /* of the keys of our topic */
};

struct job {
    int64_t epoch, sent, rejected;
    bool unread; /* written by another version */
};

static bool take_position(void *ctx, const struct record *r)
{
    struct jobs *jobs = ctx;
    if (r->key.len < jobs->prefix.len || memcmp(r->key.at, jobs->prefix.at, jobs->prefix.len) != 0)
        return true;
    uint64_t *slot = map_put(&jobs->newest, r->key, NULL);
    struct job *job = (struct job *)(uintptr_t)*slot;
    if (!job) *slot = (uintptr_t)(job = mem_zero(1, sizeof *job));
    struct bookmark found;
    struct err e = {0};
    *job = (struct job){0};
    if (!r->value.at) return true; /* deleted */
    job->unread = !bookmark_decode(&found, r->value, &e);
    if (!job->unread)
        *job = (struct job){found.epoch, found.before_sent + found.sent,
                            found.before_rejected + found.rejected, false};
    return true;
}

static void add_job(struct balance *b, const struct job *job)
{
    if (job->unread) b->unread = true;
    if (job->epoch != b->epoch) return;
    b->sent = (b->sent == BALANCE_UNKNOWN ? 0 : b->sent) + job->sent;
    b->rejected = (b->rejected == BALANCE_UNKNOWN ? 0 : b->rejected) + job->rejected;
}

static void add_jobs(struct jobs *jobs, struct balance *b)
{
    b->sent = b->rejected = BALANCE_UNKNOWN;
    const struct map_entry *slot;
    for (size_t i = 0; (slot = map_next(&jobs->newest, &i));) {
        struct job *job = (struct job *)(uintptr_t)slot->value;
        add_job(b, job);
        free(job);
    }
    if (b->unread) b->sent = b->rejected = BALANCE_UNKNOWN;
}

static bool find_read(struct balance *b, const struct balance_from *from, struct err *e)
{
    struct jobs jobs;
    char *prefix = mem_printf("%s\x1f", from->topics[TOPICS_EVENTS]);
    jobs.prefix = str_of(prefix);
    map_init(&jobs.newest);
    bool good = scan(from, TOPICS_STATE, take_position, &jobs, e);
    add_jobs(&jobs, b);
    map_finish(&jobs.newest);
    free(prefix);
    return good;
}

/* --- rows told apart -------------------------------------------------------------------------- */

/* The event ids among the keys of a topic, each once: "epoch:partition:offset:row". Dead letters
 * of weir-replay have "file:line" instead. */
struct ids {
    struct map seen;
    int64_t epoch;
};

static bool is_id(struct str key, int64_t epoch)
{
    int64_t numbers[4];
    size_t n = 0;
    while (key.at && n < COUNT_OF(numbers))
        if (!str_int64(str_cut(&key, ':'), &numbers[n++])) return false;
    return !key.at && n == COUNT_OF(numbers) && numbers[0] == epoch;
}

static bool take_id(void *ctx, const struct record *r)
{
    struct ids *ids = ctx;
    if (is_id(r->key, ids->epoch)) map_put(&ids->seen, r->key, NULL);
    return true;
}

static bool count_ids(const struct balance_from *from, enum topics_kafka which, int64_t *ret_n,
                      struct err *e)
{
    struct ids ids = {.epoch = from->epoch};
    map_init(&ids.seen);
    bool good = scan(from, which, take_id, &ids, e);
    *ret_n = (int64_t)ids.seen.n;
    map_finish(&ids.seen);
    return good;
}

bool balance_find(struct balance *b, const struct balance_from *from, struct err *e)
{
    b->epoch = from->epoch;
    return find_read(b, from, e) && count_ids(from, TOPICS_DEAD, &b->dead, e) &&
           count_ids(from, TOPICS_LATE, &b->late, e) &&
           stored_mongo_archived(from->mongo, from->epoch, &b->archived, e);
}

/* --- what they come to ------------------------------------------------------------------------ */

enum balance_state balance_of_rows(const struct balance *b)
{
    if (b->sent == BALANCE_UNKNOWN) return BALANCE_OPEN;
    return b->sent == b->archived + b->dead ? BALANCE_HOLD : BALANCE_DIFFER;
}

enum balance_state balance_of_events(const struct balance *b)
{
    if (b->counted == BALANCE_UNKNOWN) return BALANCE_OPEN;
    return b->archived == b->counted + b->late ? BALANCE_HOLD : BALANCE_DIFFER;
}
