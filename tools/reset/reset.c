/* A reset is many deletions in three systems, and it may be killed between any two, or a daemon
 * may start meanwhile. So the order of the steps is such that a half-done reset is refused by
 * every daemon, until it is run again:
 *
 * 1. wait until no group of the scope has a member. Nobody writes from here on but daemons that
 *    start later, and a member that was taken for dead: its commits are refused once its group
 *    is gone.
 * 2. raise the epochs. What the groups have committed now tells of an older epoch: whoever
 *    starts on it refuses and names weir-reset; weir-rank also deletes what an older epoch left
 *    in Redis. Run twice, they rise twice: only that they grow matters.
 * 3. end the replays that still run, and forget their positions (all). One that starts before
 *    the topic is new finds no position, and its rows go with the old topic: the operator who
 *    resets does not replay meanwhile.
 * 4. delete the groups. A group that has got a member again is refused by the broker: start over
 *    at 1. weir-archive, weir-rank and weir-recommend, started from here on, find no offsets and go
 *    on only if their stores are empty (consumers/start.c), that is, when they find nothing that
 *    step 5 would still have to delete. weir-count does go on; if it wrote to the old weir-panes,
 *    weir-rank refuses that for its epoch.
 * 5. wipe the stores: Redis, then the collections, then the topics.
 * 6. delete the groups again: a daemon that started during 5 is found, and all of it is done over.
 *    Then make the topics anew. */
#include "reset/reset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/groups_kafka.h"
#include "io/state_kafka.h"
#include "reset/jobs.h"
#include "reset/wipe_mongo.h"
#include "reset/wipe_redis.h"

enum { LIST_MAX = 5, AGAIN_MS = 500 };

#define ALL_BUT_STATE                                                                              \
    (1u << TOPICS_EVENTS | 1u << TOPICS_PANES | 1u << TOPICS_LATE | 1u << TOPICS_DEAD)

struct reset_scope {
    const char *name;
    const char *groups[LIST_MAX], *epochs[LIST_MAX], *collections[LIST_MAX]; /* up to NULL */
    unsigned topics;                                                         /* 1 << TOPICS_... */
    bool redis, jobs;
};

static const struct reset_scope scopes[] = {
    {
        .name = "ranking",
        .groups = {"count", "rank"},
        .epochs = {"ranking"},
        .topics = 1u << TOPICS_PANES | 1u << TOPICS_LATE,
        .redis = true,
    },
    {
        .name = "recommend",
        .groups = {"recommend"},
        .epochs = {"recommend"},
        .collections = {"recommendations", "users"},
    },
    {
        .name = "archive",
        .groups = {"archive"},
        .epochs = {"archive"},
        .collections = {"consumed", "events"},
    },
    {
        .name = "all",
        .groups = {"archive", "count", "rank", "recommend"},
        .epochs = {"source", "ranking", "recommend", "archive"},
        .collections = {"recommendations", "users", "consumed", "events"},
        .topics = ALL_BUT_STATE,
        .redis = true,
        .jobs = true,
    },
};

const struct reset_scope *reset_scope(const char *name, struct err *e)
{
    for (size_t i = 0; i < COUNT_OF(scopes); i++)
        if (strcmp(scopes[i].name, name) == 0) return &scopes[i];
    err_refuse(e, "\"%s\" is none of ranking, recommend, archive, all", name);
    return NULL;
}

void reset_describe(const struct reset_scope *scope, const struct reset_conf *conf, FILE *out)
{
    const char *prefix = conf->topics.prefix;
    fprintf(out, "weir-reset %s deletes:\n  consumer groups", scope->name);
    for (size_t i = 0; scope->groups[i]; i++) fprintf(out, " %s-%s", prefix, scope->groups[i]);
    if (scope->topics) fprintf(out, "\n  topics");
    for (int i = 0; i < TOPICS_N; i++) {
        char *topic = topics_kafka_name(&conf->topics, i);
        if (scope->topics & 1u << i) fprintf(out, " %s", topic);
        free(topic);
    }
    if (scope->jobs) fprintf(out, "\n  the positions of all replays");
    if (scope->redis) fprintf(out, "\n  in Redis at %s: %s", conf->redis.address, conf->redis.key);
    if (scope->collections[0]) fprintf(out, "\n  in MongoDB, database %s:", conf->mongo.database);
    for (size_t i = 0; scope->collections[i]; i++) fprintf(out, " %s", scope->collections[i]);
    fprintf(out, "\n");
}

/* --- the steps -------------------------------------------------------------------------------- */

struct reset {
    const struct reset_scope *scope; /* ref */
    const struct reset_conf *conf;   /* ref */
    struct groups_kafka *groups;     /* own */
};

static char *group_name(const struct reset *r, size_t i)
{
    return mem_printf("%s-%s", r->conf->topics.prefix, r->scope->groups[i]);
}

/* Names the first group that has members; NULL = none has. The caller frees it. */
static bool find_busy(struct reset *r, char **ret_group, size_t *ret_members, struct err *e)
{
    *ret_group = NULL;
    for (size_t i = 0; r->scope->groups[i]; i++) {
        char *group = group_name(r, i);
        if (!groups_kafka_members(r->groups, group, ret_members, e)) {
            free(group);
            return false;
        }
        if (*ret_members) {
            *ret_group = group;
            return true;
        }
        free(group);
    }
    return true;
}

static void say_busy(const char *group, size_t members)
{
    fprintf(stderr, "weir-reset: waiting: group %s has %zu member%s: stop weir-%s\n", group,
            members, members == 1 ? "" : "s", strrchr(group, '-') + 1);
}

static bool wait_until_left(struct reset *r, int64_t deadline_ms, struct err *e)
{
    char *group, *said = NULL;
    size_t members;
    bool good;
    while ((good = find_busy(r, &group, &members, e)) && group) {
        if (!said || strcmp(said, group) != 0) say_busy(group, members);
        free(said);
        said = group;
        if (clock_now_ms() > deadline_ms) {
            good = err_set(e, "group %s still has %zu members: stop them and try again", group,
                           members);
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000L}, NULL);
    }
    free(said);
    return good;
}

static bool raise_epochs(const struct reset *r, struct err *e)
{
    const struct reset_conf *conf = r->conf;
    for (size_t i = 0; r->scope->epochs[i]; i++) {
        int64_t epoch;
        if (!state_kafka_epoch(&conf->kafka, &conf->topics, r->scope->epochs[i], &epoch, e))
            return false;
        char *key = mem_printf("epoch:%s", r->scope->epochs[i]);
        char *value = mem_printf("%" PRId64, epoch + 1);
        bool good = state_kafka_write(&conf->kafka, &conf->topics, str_of(key), str_of(value), e);
        free(key);
        free(value);
        if (!good) return false;
    }
    return true;
}

static bool delete_groups(struct reset *r, bool *ret_busy, struct err *e)
{
    *ret_busy = false;
    for (size_t i = 0; r->scope->groups[i] && !*ret_busy; i++) {
        char *group = group_name(r, i);
        bool good = groups_kafka_delete(r->groups, group, ret_busy, e);
        free(group);
        if (!good) return false;
    }
    return true;
}

static bool wipe_stores(const struct reset *r, struct err *e)
{
    const struct reset_conf *conf = r->conf;
    const struct reset_scope *scope = r->scope;
    if (scope->redis && !wipe_redis(&conf->redis, e)) return false;
    if (scope->collections[0] && !wipe_mongo(&conf->mongo, scope->collections, e)) return false;
    return topics_kafka_delete(&conf->kafka, &conf->topics, scope->topics, e);
}

static bool run(struct reset *r, struct err *e)
{
    const struct reset_conf *conf = r->conf;
    int64_t deadline_ms = clock_now_ms() + conf->wait_ms;
    bool busy;
    if (!topics_kafka_ensure(&conf->kafka, &conf->topics, 1u << TOPICS_STATE, e)) return false;
    do {
        if (!wait_until_left(r, deadline_ms, e) || !raise_epochs(r, e)) return false;
        if (r->scope->jobs && !jobs_forget(&conf->kafka, &conf->topics, e)) return false;
        if (!delete_groups(r, &busy, e)) return false;
        if (!busy && (!wipe_stores(r, e) || !delete_groups(r, &busy, e))) return false;
    } while (busy);
    return topics_kafka_ensure(&conf->kafka, &conf->topics, r->scope->topics, e);
}

bool reset_run(const struct reset_scope *scope, const struct reset_conf *conf, struct err *e)
{
    struct reset r = {scope, conf, groups_kafka_new(&conf->kafka, e)};
    bool good = r.groups && run(&r, e);
    groups_kafka_free(r.groups);
    return good;
}
