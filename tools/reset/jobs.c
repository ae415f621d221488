#include "reset/jobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "io/scan_kafka.h"
#include "io/sink_kafka.h"
#include "io/state_kafka.h"

enum { FENCE_MS = 10000 };

/* Keys "topic US job" -> 1 if it has a position. */
struct jobs {
    struct map known;
    struct str prefix; /* "topic US" */
};

static bool take_position(void *ctx, const struct record *r)
{
    struct jobs *jobs = ctx;
    if (r->key.len > jobs->prefix.len && memcmp(r->key.at, jobs->prefix.at, jobs->prefix.len) == 0)
        *map_put(&jobs->known, r->key, NULL) = r->value.at != NULL;
    return true;
}

static bool find(struct jobs *jobs, const struct conf_kafka *kafka,
                 const struct topics_kafka_conf *topics, struct err *e)
{
    struct scan_kafka *scan = scan_kafka_new(kafka, e);
    if (!scan) return false;
    char *topic = topics_kafka_name(topics, TOPICS_STATE);
    struct scan_kafka_part *parts = NULL;
    size_t n;
    bool good = scan_kafka_parts(scan, topic, &parts, &n, e) &&
                scan_kafka_read(scan, topic, parts, n, take_position, jobs, e);
    free(parts);
    free(topic);
    scan_kafka_free(scan);
    return good;
}

/* Whoever opens a transactional id ends the one that has it: a running replay leaves as taken
 * over. */
static bool fence(const struct conf_kafka *kafka, const char *events, struct str job, struct err *e)
{
    char *id = mem_printf("weir-replay:%s:%.*s", events, STR_ARGS(job));
    struct sink_kafka_spec spec = {
        .kafka = kafka, .transactional_id = id, .transaction_ms = FENCE_MS};
    struct sink_kafka *sink = sink_kafka_new(&spec, e);
    sink_kafka_free(sink);
    free(id);
    return sink != NULL;
}

static bool forget(const struct jobs *jobs, const struct conf_kafka *kafka,
                   const struct topics_kafka_conf *topics, const char *events, struct err *e)
{
    const struct map_entry *entry;
    bool good = true;
    for (size_t i = 0; good && (entry = map_next(&jobs->known, &i));) {
        struct str key = key_str(&entry->key);
        struct str job = {key.at + jobs->prefix.len, key.len - jobs->prefix.len};
        if (!entry->value) continue;
        good = fence(kafka, events, job, e) &&
               state_kafka_write(kafka, topics, key, (struct str){0}, e);
    }
    return good;
}

bool jobs_forget(const struct conf_kafka *kafka, const struct topics_kafka_conf *topics,
                 struct err *e)
{
    char *events = topics_kafka_name(topics, TOPICS_EVENTS);
    char *prefix = mem_printf("%s\x1f", events);
    struct jobs jobs = {.prefix = str_of(prefix)};
    map_init(&jobs.known);
    bool good = find(&jobs, kafka, topics, e) && forget(&jobs, kafka, topics, events, e);
    map_finish(&jobs.known);
    free(prefix);
    free(events);
    return good;
}
