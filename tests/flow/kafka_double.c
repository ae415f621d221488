#include "kafka_double.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fate.h"
#include "io/conf_kafka.h"
#include "io/source_kafka.h"
#include "io/state_kafka.h"
#include "io/topics_kafka.h"
#include "source_file.h"

enum { PARTITIONS_MAX = 64 };

struct message {
    struct str key, value; /* own */
    bool late;             /* else a batch */
};

struct messages {
    struct message *at; /* own */
    size_t n, cap;
};

struct sink_kafka {
    bool open;
    struct messages messages;
    struct source *source; /* ref: whose offsets are part of the transaction */
    struct checkpoint offsets[PARTITIONS_MAX];
    size_t offset_n;
};

static struct {
    struct source *panes; /* own */
    struct messages late;
    struct sink_kafka sink;
    bool abort_next;
} world;

static void add(struct messages *all, struct message m)
{
    all->at = mem_grow(all->at, all->n, &all->cap, sizeof all->at[0]);
    all->at[all->n++] = m;
}

static void drop(struct messages *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free((char *)all->at[i].key.at);
        free((char *)all->at[i].value.at);
    }
    free(all->at);
    *all = (struct messages){0};
}

static void drop_transaction(void)
{
    drop(&world.sink.messages);
    world.sink = (struct sink_kafka){0};
}

void kafka_double_close(void)
{
    drop_transaction();
    drop(&world.late);
    source_free(world.panes);
    world.panes = NULL;
    world.abort_next = false;
}

void kafka_double_open(void)
{
    kafka_double_close(); /* of a test that failed */
    world.panes = source_file_empty(1);
}

struct source *kafka_double_panes(void)
{
    return world.panes;
}

struct sink_kafka *kafka_double_sink(void)
{
    drop_transaction();
    return &world.sink;
}

void kafka_double_abort_next(void)
{
    world.abort_next = true;
}

size_t kafka_double_late_n(void)
{
    return world.late.n;
}

void kafka_double_late(size_t i, struct str *ret_key, struct str *ret_value)
{
    *ret_key = world.late.at[i].key;
    *ret_value = world.late.at[i].value;
}

/* --- sink_kafka ------------------------------------------------------------------------------------- */

struct sink_kafka *sink_kafka_new(const struct sink_kafka_spec *spec, struct err *e)
{
    (void)spec, (void)e;
    return kafka_double_sink();
}

/* A failure aborts the transaction, and the stage begins anew. */
static enum txn chance(struct err *e)
{
    enum fate fate = fate_ask(e);
    if (fate == FATE_DEATH) return TXN_FAILED;
    if (fate == FATE_NONE) return TXN_DONE;
    *e = (struct err){0};
    drop_transaction();
    return TXN_ABORTED;
}

enum txn sink_kafka_begin(struct sink_kafka *s, struct err *e)
{
    assert(!s->open);
    s->open = true;
    return chance(e);
}

static struct str copy_of(struct str s)
{
    return s.at ? (struct str){mem_dup(s.at, s.len), s.len} : s;
}

enum txn sink_kafka_put(struct sink_kafka *s, const struct sink_kafka_message *m, struct err *e)
{
    assert(s->open);
    bool late = strcmp(m->topic, "weir-late") == 0;
    assert(late || strcmp(m->topic, "weir-panes") == 0);
    add(&s->messages, (struct message){copy_of(m->key), copy_of(m->value), late});
    return chance(e);
}

enum txn sink_kafka_offsets(struct sink_kafka *s, struct source *source,
                            const struct checkpoint *parts, size_t n, struct err *e)
{
    assert(s->open && n <= PARTITIONS_MAX);
    s->source = source;
    memcpy(s->offsets, parts, n * sizeof parts[0]);
    s->offset_n = n;
    return chance(e);
}

static void publish(struct sink_kafka *s)
{
    for (size_t i = 0; i < s->messages.n; i++) {
        struct message *m = &s->messages.at[i];
        if (!m->late)
            source_file_append(world.panes, &(struct record){.value = m->value});
        else
            add(&world.late, (struct message){copy_of(m->key), copy_of(m->value), true});
    }
    source_file_keep(s->source, s->offsets, s->offset_n);
}

/* Behind its effect there is no failure: a commit is asked again until its outcome is known. */
enum txn sink_kafka_commit(struct sink_kafka *s, struct err *e)
{
    assert(s->open && s->source);
    enum txn answer = chance(e);
    if (answer != TXN_DONE) return answer;
    bool aborted = world.abort_next;
    if (!aborted) publish(s);
    drop_transaction();
    world.abort_next = false;
    if (aborted) return TXN_ABORTED;
    struct err after = {0};
    if (fate_ask(&after) != FATE_DEATH) return TXN_DONE;
    *e = after;
    return TXN_FAILED;
}

int32_t sink_kafka_partition_of(struct str key, int32_t partition_n)
{
    (void)key; /* the cases put users where they like */
    (void)partition_n;
    return 0;
}

/* --- source_kafka: of the panes, whose group is weir-rank's ------------------------------------------- */

struct source *source_kafka_new(const struct source_kafka_spec *spec, struct err *e)
{
    (void)spec, (void)e;
    return source_file_share(world.panes);
}

bool source_kafka_check(const struct source_kafka_conf *conf, struct err *e)
{
    (void)conf, (void)e;
    return true;
}

bool source_kafka_group_committed(struct source *s, const char *group, const char *topic,
                                  struct checkpoint *part, struct err *e)
{
    (void)s;
    assert(strcmp(group, "weir-rank") == 0 && strcmp(topic, "weir-panes") == 0);
    return source_committed(world.panes, part, 1, e);
}

bool source_kafka_trim(struct source *s, int32_t partition, int64_t offset, struct err *e)
{
    (void)s, (void)partition, (void)offset, (void)e;
    return true;
}

int64_t source_kafka_poll_age_ms(const struct source *s)
{
    (void)s;
    return 0;
}

/* --- conf_kafka, topics_kafka, state_kafka -------------------------------------------------------------- */

bool conf_kafka_check(const struct conf_kafka *conf, struct err *e)
{
    (void)conf, (void)e;
    return true;
}

char *topics_kafka_name(const struct topics_kafka_conf *conf, enum topics_kafka which)
{
    static const char *const names[TOPICS_N] = {"events", "panes", "late", "dead", "state"};
    return mem_printf("%s-%s", conf->prefix, names[which]);
}

bool topics_kafka_check(const struct topics_kafka_conf *conf, struct err *e)
{
    (void)conf, (void)e;
    return true;
}

bool topics_kafka_ensure(const struct conf_kafka *kafka, const struct topics_kafka_conf *conf,
                         unsigned set, struct err *e)
{
    (void)kafka, (void)conf, (void)set, (void)e;
    return true;
}

bool state_kafka_epoch(const struct conf_kafka *kafka, const struct topics_kafka_conf *topics,
                       const char *which, int64_t *ret_epoch, struct err *e)
{
    (void)kafka, (void)topics, (void)which, (void)e;
    *ret_epoch = 1;
    return true;
}
