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
    enum topics_kafka topic;
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
    struct source *panes;             /* own */
    struct messages topics[TOPICS_N]; /* but for the panes */
    struct sink_kafka sink;
    bool abort_next, no_epochs, no_letters;
    int64_t asleep_ms, trimmed;
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
    for (int i = 0; i < TOPICS_N; i++) drop(&world.topics[i]);
    source_free(world.panes);
    world.panes = NULL;
    world.abort_next = world.no_epochs = world.no_letters = false;
    world.asleep_ms = world.trimmed = 0;
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

void kafka_double_sleep(int64_t ms)
{
    world.asleep_ms = ms;
}

void kafka_double_refuse_letters(void)
{
    world.no_letters = true;
}

int64_t kafka_double_trimmed(void)
{
    return world.trimmed;
}

void kafka_double_refuse_epochs(void)
{
    world.no_epochs = true;
}

size_t kafka_double_n(enum topics_kafka topic)
{
    return world.topics[topic].n;
}

static char *letter(const struct message *m, const char *member)
{
    char *value = mem_dup(m->value.at, m->value.len), *from = strstr(value, member);
    assert(from);
    char *line = mem_printf("%.*s %s", STR_ARGS(m->key), from);
    free(value);
    return line;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void kafka_double_letters(enum topics_kafka topic, const char *member, bool once, FILE *out)
{
    const struct messages *all = &world.topics[topic];
    char **lines = mem_zero(all->n + 1, sizeof lines[0]);
    for (size_t i = 0; i < all->n; i++) lines[i] = letter(&all->at[i], member);
    qsort(lines, all->n, sizeof lines[0], by_text);
    for (size_t i = 0; i < all->n; i++)
        if (!once || i == 0 || strcmp(lines[i], lines[i - 1])) fprintf(out, "%s\n", lines[i]);
    for (size_t i = 0; i < all->n; i++) free(lines[i]);
    free(lines);
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

static enum topics_kafka topic_of(const char *name)
{
    if (strcmp(name, "weir-panes") == 0) return TOPICS_PANES;
    if (strcmp(name, "weir-late") == 0) return TOPICS_LATE;
    assert(strcmp(name, "weir-dead") == 0);
    return TOPICS_DEAD;
}

enum txn sink_kafka_put(struct sink_kafka *s, const struct sink_kafka_message *m, struct err *e)
{
    enum topics_kafka topic = topic_of(m->topic);
    assert(s->open == (topic != TOPICS_DEAD));
    if (topic == TOPICS_DEAD && world.no_letters)
        return err_refuse(e, "the test refuses letters"), TXN_FAILED;
    add(&s->messages, (struct message){copy_of(m->key), copy_of(m->value), topic});
    return s->open ? chance(e) : TXN_DONE;
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
        if (m->topic == TOPICS_PANES)
            source_file_append(world.panes, &(struct record){.value = m->value});
        else
            add(&world.topics[m->topic],
                (struct message){copy_of(m->key), copy_of(m->value), m->topic});
    }
}

/* Behind its effect there is no failure: a commit is asked again until its outcome is known. */
enum txn sink_kafka_commit(struct sink_kafka *s, struct err *e)
{
    assert(s->open && s->source);
    enum txn answer = chance(e);
    if (answer != TXN_DONE) return answer;
    bool aborted = world.abort_next;
    if (!aborted) {
        publish(s);
        source_file_keep(s->source, s->offsets, s->offset_n);
    }
    drop_transaction();
    world.abort_next = false;
    if (aborted) return TXN_ABORTED;
    struct err after = {0};
    if (fate_ask(&after) != FATE_DEATH) return TXN_DONE;
    *e = after;
    return TXN_FAILED;
}

/* The first failure finds the messages still on their way; behind the effect it takes them for lost. */
bool sink_kafka_flush(struct sink_kafka *s, int64_t timeout_ms, bool *ret_waiting, struct err *e)
{
    (void)timeout_ms;
    *ret_waiting = true;
    if (fate_ask(e) != FATE_NONE) return false;
    *ret_waiting = false;
    publish(s);
    drop_transaction();
    return fate_ask(e) == FATE_NONE;
}

void sink_kafka_free(struct sink_kafka *s)
{
    (void)s; /* what is on its way is lost with the next one's start */
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
    return fate_ask(e) == FATE_NONE && source_committed(world.panes, part, 1, e);
}

bool source_kafka_trim(struct source *s, int32_t partition, int64_t offset, struct err *e)
{
    (void)s, (void)partition;
    if (fate_ask(e) != FATE_NONE) return false;
    world.trimmed = offset;
    return true;
}

int64_t source_kafka_poll_age_ms(const struct source *s)
{
    (void)s;
    return world.asleep_ms;
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
    (void)kafka, (void)topics, (void)which;
    *ret_epoch = 1;
    return !world.no_epochs || err_set(e, "the test has no epochs");
}
