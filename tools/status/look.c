#include "status/look.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "flow/batch.h"
#include "flow/meta.h"
#include "flow/watermark.h"
#include "io/groups_kafka.h"
#include "io/scan_kafka.h"
#include "io/state_kafka.h"
#include "status/stored_mongo.h"
#include "status/window_redis.h"

static const enum topics_kafka inputs[VIEW_DAEMONS] = {
    [VIEW_ARCHIVE] = TOPICS_EVENTS,
    [VIEW_COUNT] = TOPICS_EVENTS,
    [VIEW_RANK] = TOPICS_PANES,
    [VIEW_RECOMMEND] = TOPICS_EVENTS,
};

struct look {
    const struct look_conf *conf; /* ref in caller */
    struct groups_kafka *groups;  /* own */
    struct scan_kafka *scan;      /* own */
    struct client_redis *redis;   /* own */
    struct client_mongo *mongo;   /* own */
    char *topics[TOPICS_N];       /* own */
};

struct look *look_new(const struct look_conf *conf, struct err *e)
{
    struct look *l = mem_zero(1, sizeof *l);
    l->conf = conf;
    for (int i = 0; i < TOPICS_N; i++) l->topics[i] = topics_kafka_name(&conf->topics, i);
    if (topics_kafka_ensure(&conf->kafka, &conf->topics, 0, e) &&
        (l->groups = groups_kafka_new(&conf->kafka, e)) &&
        (l->scan = scan_kafka_new(&conf->kafka, e)) &&
        (l->redis = client_redis_new(&conf->redis, "weir-status", e)) &&
        (l->mongo = client_mongo_new(&conf->mongo, "weir-status", e)))
        return l;
    look_free(l);
    return NULL;
}

void look_free(struct look *l)
{
    if (!l) return;
    groups_kafka_free(l->groups);
    scan_kafka_free(l->scan);
    client_redis_free(l->redis);
    client_mongo_free(l->mongo);
    for (int i = 0; i < TOPICS_N; i++) free(l->topics[i]);
    free(l);
}

/* --- one group -------------------------------------------------------------------------------- */

/* What a group has committed for the partitions of its topic. */
static bool fetch(struct look *l, const char *group, const char *topic, struct view_group *g,
                  struct err *e)
{
    struct checkpoint *parts = mem_zero(g->part_n + 1, sizeof parts[0]);
    for (size_t i = 0; i < g->part_n; i++) parts[i].partition = (int32_t)i;
    bool good = groups_kafka_committed(l->groups, group, topic, parts, g->part_n, e) &&
                groups_kafka_members(l->groups, group, &g->members, e);
    for (size_t i = 0; i < g->part_n; i++) g->parts[i].committed = parts[i];
    free(parts);
    return good;
}

static void read_metadata(struct view_part *part)
{
    const char *text = part->committed.metadata;
    part->next = part->committed.offset;
    part->clock_ms = WATERMARK_NONE;
    part->counted = BALANCE_UNKNOWN;
    int64_t value;
    if (meta_find(text, "clock", &value)) part->clock_ms = value;
    if (meta_find(text, "next", &value)) part->next = value;
    if (meta_find(text, "counted", &value)) part->counted = value;
}

/* Whether a record at `next` or behind it is work. weir-count writes a batch every few seconds
 * even when nothing came; those are none. */
static bool is_work(void *ctx, const struct record *r)
{
    struct view_group *g = ctx;
    g->parts[r->partition].behind = true;
    return false;
}

static bool is_batch_with_panes(void *ctx, const struct record *r)
{
    struct batch batch = {0};
    struct err e = {0};
    bool work = !batch_decode(&batch, r->value, &e) || batch.pane_n > 0;
    batch_finish(&batch);
    return !work || is_work(ctx, r);
}

/* A group's lag: between its position and the end may lie nothing but marks of transactions, so
 * that is read. */
static bool find_lag(struct look *l, enum view_daemon which, const char *topic,
                     struct scan_kafka_part *ends, struct view_group *g, struct err *e)
{
    for (size_t i = 0; i < g->part_n; i++) {
        struct view_part *part = &g->parts[i];
        read_metadata(part);
        part->end = ends[i].end;
        part->open = ends[i].high > ends[i].end;
        if (part->next > ends[i].first) ends[i].from = part->next;
    }
    return scan_kafka_read(l->scan, topic, ends, g->part_n,
                           which == VIEW_RANK ? is_batch_with_panes : is_work, g, e);
}

static bool look_at_group(struct look *l, enum view_daemon which, struct view_group *g,
                          struct err *e)
{
    const char *topic = l->topics[inputs[which]];
    struct scan_kafka_part *ends;
    if (!scan_kafka_parts(l->scan, topic, &ends, &g->part_n, e)) return false;
    g->parts = mem_zero(g->part_n + 1, sizeof g->parts[0]);
    char *group = mem_printf("%s-%s", l->conf->topics.prefix, view_names[which]);
    bool good = fetch(l, group, topic, g, e) && find_lag(l, which, topic, ends, g, e);
    free(group);
    free(ends);
    return good;
}

/* --- everything ------------------------------------------------------------------------------- */

static void read_ranking(struct view *v)
{
    v->slide_ms = 0;
    v->shown_ms = v->watermark_ms = INT64_MIN;
    const struct view_group *rank = &v->groups[VIEW_RANK];
    if (!rank->part_n) return;
    const char *text = rank->parts[0].committed.metadata;
    if (!meta_find(text, "slide", &v->slide_ms) || !meta_find(text, "fired", &v->shown_ms) ||
        !meta_find(text, "frozen", &v->watermark_ms))
        v->slide_ms = 0;
}

bool look_at(struct look *l, struct view *v, struct err *e)
{
    for (int i = 0; i < VIEW_DAEMONS; i++)
        if (!look_at_group(l, i, &v->groups[i], e)) return false;
    read_ranking(v);
    if (!window_redis_read(l->redis, l->conf->redis.key, &v->window, &v->redis))
        v->window.exists = false;
    if (!stored_mongo_read(l->mongo, &v->stored, &v->mongo)) v->stored = (struct view_stored){0};
    view_judge(v);
    return true;
}

/* --- the sums --------------------------------------------------------------------------------- */

static int64_t counted(const struct view_group *count)
{
    int64_t sum = count->part_n ? 0 : BALANCE_UNKNOWN;
    for (size_t i = 0; i < count->part_n; i++) {
        if (count->parts[i].counted == BALANCE_UNKNOWN) return BALANCE_UNKNOWN;
        sum += count->parts[i].counted;
    }
    return sum;
}

bool look_balance(struct look *l, const struct view *v, struct balance *b, struct err *e)
{
    struct balance_from from = {.scan = l->scan, .mongo = l->mongo, .topics = l->topics};
    b->counted = counted(&v->groups[VIEW_COUNT]);
    return state_kafka_epoch(&l->conf->kafka, &l->conf->topics, "source", &from.epoch, e) &&
           balance_find(b, &from, e);
}
