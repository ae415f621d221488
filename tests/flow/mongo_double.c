#include "mongo_double.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fate.h"
#include "io/recommendations_mongo.h"
#include "io/users_mongo.h"

struct shown {
    char *user; /* own */
    int64_t end_ms;
    struct history *history; /* own */
    struct slate *slate;     /* own */
    bool has_previous, has_reward;
    int64_t previous_ms, previous_reward, reward;
};

struct known {
    char *user; /* own */
    struct users_mongo_doc doc;
};

static struct {
    struct shown *shown; /* own */
    size_t shown_n, shown_cap;
    struct known *known; /* own */
    size_t known_n, known_cap;
    bool hide_next, forget_next;
} world;

static struct history *history_of(const struct history *h)
{
    return history_merge(h, NULL, 0, h->n);
}

static struct slate *slate_of(const struct slate *s)
{
    return slate_new(s->source, s->items, s->n);
}

static void drop_users(void)
{
    for (size_t i = 0; i < world.known_n; i++) {
        free(world.known[i].user);
        free(world.known[i].doc.history);
        free(world.known[i].doc.last);
    }
    world.known_n = 0;
}

void mongo_double_forget_users(void)
{
    world.forget_next = true;
}

void mongo_double_hide_next(void)
{
    world.hide_next = true;
}

void mongo_double_close(void)
{
    for (size_t i = 0; i < world.shown_n; i++) {
        free(world.shown[i].user);
        free(world.shown[i].history);
        free(world.shown[i].slate);
    }
    drop_users();
    free(world.shown);
    free(world.known);
    memset(&world, 0, sizeof world);
}

void mongo_double_open(void)
{
    mongo_double_close(); /* of a test that failed */
}

/* --- client_mongo --------------------------------------------------------------------------------------- */

bool client_mongo_check(const struct client_mongo_conf *conf, struct err *e)
{
    (void)conf, (void)e;
    return true;
}

struct client_mongo *client_mongo_new(const struct client_mongo_conf *conf, const char *app_name,
                                      struct err *e)
{
    (void)conf, (void)app_name, (void)e;
    return mem_zero(1, 1);
}

void client_mongo_free(struct client_mongo *c)
{
    free(c);
}

bool client_mongo_index(struct client_mongo *c, const char *collection, const char *keys,
                        int64_t ttl_ms, struct err *e)
{
    (void)c, (void)collection, (void)keys, (void)ttl_ms;
    return fate_ask(e) == FATE_NONE;
}

bool client_mongo_empty(struct client_mongo *c, const char *collection, bool *ret_empty,
                        struct err *e)
{
    (void)c, (void)e;
    *ret_empty = (strcmp(collection, "users") == 0 ? world.known_n : world.shown_n) == 0;
    return true;
}

void client_mongo_counts_finish(struct client_mongo_counts *counts)
{
    free(counts->duplicates);
    *counts = (struct client_mongo_counts){0};
}

static void duplicate(struct client_mongo_counts *counts, size_t i)
{
    counts->duplicates = mem_grow(counts->duplicates, counts->duplicate_n, &counts->cap,
                                  sizeof counts->duplicates[0]);
    counts->duplicates[counts->duplicate_n++] = (uint32_t)i;
}

/* DONE, or what becomes of the whole bulk. */
static enum client_mongo_answer chance(struct err *e)
{
    static const enum client_mongo_answer answers[] = {[FATE_NONE] = CLIENT_MONGO_DONE,
                                                       [FATE_DEATH] = CLIENT_MONGO_FATAL,
                                                       [FATE_FAILURE] = CLIENT_MONGO_RETRY};
    return answers[fate_ask(e)];
}

static enum client_mongo_answer end_of_bulk(const struct client_mongo_counts *counts, struct err *e)
{
    enum client_mongo_answer answer = chance(e);
    if (answer != CLIENT_MONGO_DONE) return answer;
    return counts->duplicate_n ? CLIENT_MONGO_DUPLICATES : CLIENT_MONGO_DONE;
}

/* --- users_mongo ---------------------------------------------------------------------------------------- */

struct users_mongo *users_mongo_new(struct client_mongo *c)
{
    (void)c;
    return mem_zero(1, 1);
}

void users_mongo_free(struct users_mongo *u)
{
    free(u);
}

void users_mongo_doc_free(struct users_mongo_doc *doc)
{
    if (!doc) return;
    free(doc->history);
    free(doc->last);
    free(doc);
}

static struct known *user_of(struct str user)
{
    for (size_t i = 0; i < world.known_n; i++)
        if (str_eq(str_of(world.known[i].user), user)) return &world.known[i];
    return NULL;
}

static struct users_mongo_doc doc_of(int64_t rev, const struct history *history, int64_t last_ms,
                                     const struct slate *last)
{
    return (struct users_mongo_doc){rev, history_of(history), last_ms, slate_of(last)};
}

enum client_mongo_answer users_mongo_find(struct users_mongo *u, const struct str *users, size_t n,
                                          users_mongo_found *found, void *ctx, struct err *e)
{
    (void)u;
    enum client_mongo_answer answer = chance(e);
    if (answer != CLIENT_MONGO_DONE) return answer;
    for (size_t i = 0; i < n; i++) {
        const struct known *k = user_of(users[i]);
        if (!k) continue;
        for (int times = 0; times < 2; times++) { /* as a scan may that meets an update */
            struct users_mongo_doc *doc = mem_zero(1, sizeof *doc);
            *doc = doc_of(k->doc.rev, k->doc.history, k->doc.last_ms, k->doc.last);
            found(ctx, users[i], doc);
        }
    }
    return CLIENT_MONGO_DONE;
}

static void insert_user(const struct users_mongo_write *w)
{
    world.known = mem_grow(world.known, world.known_n, &world.known_cap, sizeof world.known[0]);
    world.known[world.known_n++] = (struct known){
        mem_dup(w->user.at, w->user.len), doc_of(w->rev + 1, w->history, w->last_ms, w->last)};
}

enum client_mongo_answer users_mongo_insert(struct users_mongo *u,
                                            const struct users_mongo_write *writes, size_t n,
                                            struct client_mongo_counts *counts, struct err *e)
{
    (void)u;
    enum client_mongo_answer answer;
    for (size_t i = 0; i < n; i++) {
        assert(writes[i].rev == 0);
        if ((answer = chance(e)) != CLIENT_MONGO_DONE) return answer;
        if (user_of(writes[i].user))
            duplicate(counts, i);
        else
            insert_user(&writes[i]);
    }
    return end_of_bulk(counts, e);
}

static void update_user(struct known *k, const struct users_mongo_write *w)
{
    assert(w->last_ms >= k->doc.last_ms);
    struct users_mongo_doc old = k->doc;
    k->doc = doc_of(w->rev + 1, w->history, w->last_ms, w->last);
    free(old.history);
    free(old.last);
}

enum client_mongo_answer users_mongo_update(struct users_mongo *u,
                                            const struct users_mongo_write *writes, size_t n,
                                            struct client_mongo_counts *counts, struct err *e)
{
    (void)u;
    if (world.forget_next) drop_users();
    world.forget_next = false;
    enum client_mongo_answer answer;
    for (size_t i = 0; i < n; i++) {
        if ((answer = chance(e)) != CLIENT_MONGO_DONE) return answer;
        struct known *k = user_of(writes[i].user);
        if (!k || k->doc.rev != writes[i].rev) continue;
        update_user(k, &writes[i]);
        counts->matched_n++;
    }
    return chance(e);
}

/* --- recommendations_mongo -------------------------------------------------------------------------------- */

struct recommendations_mongo *recommendations_mongo_new(struct client_mongo *c)
{
    (void)c;
    return mem_zero(1, 1);
}

void recommendations_mongo_free(struct recommendations_mongo *r)
{
    free(r);
}

static struct shown *shown_at(struct str user, int64_t end_ms)
{
    for (size_t i = 0; i < world.shown_n; i++)
        if (world.shown[i].end_ms == end_ms && str_eq(str_of(world.shown[i].user), user))
            return &world.shown[i];
    return NULL;
}

static void insert_shown(const struct recommendations_mongo_doc *d)
{
    world.shown = mem_grow(world.shown, world.shown_n, &world.shown_cap, sizeof world.shown[0]);
    world.shown[world.shown_n++] = (struct shown){
        .user = mem_dup(d->user.at, d->user.len),
        .end_ms = d->end_ms,
        .history = history_of(d->history),
        .slate = slate_of(d->slate),
        .has_previous = d->has_previous,
        .previous_ms = d->previous_ms,
        .previous_reward = d->previous_reward,
    };
}

enum client_mongo_answer recommendations_mongo_insert(struct recommendations_mongo *r,
                                                      const struct recommendations_mongo_doc *docs,
                                                      size_t n, struct client_mongo_counts *counts,
                                                      struct err *e)
{
    (void)r;
    enum client_mongo_answer answer;
    for (size_t i = 0; i < n; i++) {
        if ((answer = chance(e)) != CLIENT_MONGO_DONE) return answer;
        if (shown_at(docs[i].user, docs[i].end_ms))
            duplicate(counts, i);
        else
            insert_shown(&docs[i]);
    }
    return end_of_bulk(counts, e);
}

enum client_mongo_answer recommendations_mongo_find(struct recommendations_mongo *r,
                                                    const struct str *ids, size_t n,
                                                    recommendations_mongo_found *found, void *ctx,
                                                    struct err *e)
{
    (void)r;
    enum client_mongo_answer answer = chance(e);
    if (answer != CLIENT_MONGO_DONE) return answer;
    bool hidden = world.hide_next;
    world.hide_next = false;
    for (size_t i = 0; i < n && !hidden; i++) {
        struct str end = ids[i], user = str_cut(&end, '\x1f');
        int64_t end_ms;
        bool good = str_int64(end, &end_ms);
        assert(good);
        const struct shown *s = shown_at(user, end_ms);
        if (s) found(ctx, user, slate_of(s->slate));
    }
    return CLIENT_MONGO_DONE;
}

enum client_mongo_answer recommendations_mongo_reward(struct recommendations_mongo *r,
                                                      const struct recommendations_mongo_doc *docs,
                                                      size_t n, struct err *e)
{
    (void)r;
    enum client_mongo_answer answer;
    for (size_t i = 0; i < n; i++) {
        if (!docs[i].has_previous) continue;
        if ((answer = chance(e)) != CLIENT_MONGO_DONE) return answer;
        struct shown *s = shown_at(docs[i].user, docs[i].previous_ms);
        assert(s && (!s->has_reward || s->reward == docs[i].previous_reward));
        s->reward = docs[i].previous_reward;
        s->has_reward = true;
    }
    return chance(e);
}

/* --- what readers find ------------------------------------------------------------------------------------ */

static int by_user_and_end(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    int order = strcmp(x->user, y->user);
    return order ? order : (x->end_ms > y->end_ms) - (x->end_ms < y->end_ms);
}

static void write_slate(FILE *out, const struct slate *s)
{
    fprintf(out, " items=");
    for (size_t i = 0; i < s->n; i++) fprintf(out, "%s%.*s", i ? "," : "", STR_ARGS(s->items[i]));
    fprintf(out, " source=%s", slate_source_name(s->source));
}

static void write_number(FILE *out, const char *name, bool there, int64_t value)
{
    if (there)
        fprintf(out, " %s=%lld", name, (long long)value);
    else
        fprintf(out, " %s=-", name);
}

void mongo_double_recommendations(FILE *out)
{
    if (world.shown_n) qsort(world.shown, world.shown_n, sizeof world.shown[0], by_user_and_end);
    for (size_t i = 0; i < world.shown_n; i++) {
        const struct shown *s = &world.shown[i];
        fprintf(out, "%s %lld history=", s->user, (long long)s->end_ms);
        for (size_t j = 0; j < s->history->n; j++)
            fprintf(out, "%s%.*s", j ? "," : "", STR_ARGS(s->history->at[j].item));
        write_slate(out, s->slate);
        write_number(out, "previous", s->has_previous, s->previous_ms);
        write_number(out, "previous_reward", s->has_previous, s->previous_reward);
        write_number(out, "reward", s->has_reward, s->reward);
        fputc('\n', out);
    }
}

static int by_user(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return strcmp(x->user, y->user);
}

static void write_history(FILE *out, const struct history *history)
{
    for (size_t j = 0; j < history->n; j++) {
        const struct history_entry *h = &history->at[j];
        fprintf(out, "%s%.*s/%.*s/%lld/%d:%lld:%d", j ? "," : "", STR_ARGS(h->item),
                h->behavior.at ? (int)h->behavior.len : 1, h->behavior.at ? h->behavior.at : "-",
                (long long)h->time_ms, h->position.partition, (long long)h->position.offset,
                h->position.row);
    }
    fputc('\n', out);
}

static void sort_users(void)
{
    if (world.known_n) qsort(world.known, world.known_n, sizeof world.known[0], by_user);
}

void mongo_double_users(FILE *out)
{
    sort_users();
    for (size_t i = 0; i < world.known_n; i++) {
        const struct known *k = &world.known[i];
        fprintf(out, "%s last=%lld", k->user, (long long)k->doc.last_ms);
        write_slate(out, k->doc.last);
        fprintf(out, " history=");
        write_history(out, k->doc.history);
    }
}

void mongo_double_histories(FILE *out)
{
    sort_users();
    for (size_t i = 0; i < world.known_n; i++) {
        fprintf(out, "%s ", world.known[i].user);
        write_history(out, world.known[i].doc.history);
    }
}

void mongo_double_check(void)
{
    for (size_t i = 0; i < world.known_n; i++) {
        const struct users_mongo_doc *doc = &world.known[i].doc;
        const struct shown *s = shown_at(str_of(world.known[i].user), doc->last_ms);
        assert(s && s->slate->n == doc->last->n && s->slate->source == doc->last->source);
        for (size_t j = 0; j < doc->last->n; j++)
            assert(str_eq(s->slate->items[j], doc->last->items[j]));
    }
}
