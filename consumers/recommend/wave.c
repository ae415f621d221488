/* The steps of a wave, and why they come in this order:
 *
 *   load       users' documents, from the cache or by one query; plan history and reward
 *   ask        the inference service, as far as it has room, and collect its answers
 *   recommend  insert the recommendations; where one is stored already (by a predecessor that died,
 *              or a zombie), what it shows is what was served: take it over
 *   reward     of the recommendations before: the same value whoever writes it
 *   users      insert or update the users' documents, by the revision that was read
 *   resolve    read again those that were refused, merge, and write again
 *   finish     the rounds forget the users, the cache learns what is stored
 *
 * A user's document names its newest recommendation E only after that and all rewards before it are
 * acknowledged; so whoever finds users.last.time >= E knows that nothing of E is left to do but to
 * merge rows. Any step may be repeated, by us after a failure, by a successor or by a zombie, and
 * changes nothing the second time.
 *
 * Documents are out of the cache while a wave works on them and come back as they are stored. A user
 * is in one wave, once, with his oldest round that is not served. */
#include "recommend/wave.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "recommend/tally.h"
#include "recommend/task.h"

enum {
    /* Three lots of what infer.connections and infer.batch let be asked at once, by default: one is sent before each
     * step of storing the wave before. */
    USERS_MAX = 768,
    PAUSE_FIRST_MS = 100,
    PAUSE_MAX_MS = 1000,
    PATIENCE_MS = 500,
    NETWORK_WAIT_MS = 5
};

enum step { STEP_IDLE, STEP_LOAD, STEP_ASK, STEP_RECOMMEND, STEP_REWARD, STEP_USERS, STEP_RESOLVE };

struct ask { /* what an answer of the service belongs to */
    struct wave *wave;
    struct task *task;
};

struct wave {
    struct wave_conf conf;
    struct wave_parts parts;
    enum step step;
    struct task *tasks;      /* own; max of them */
    struct ask *asks;        /* own; one per task */
    struct rounds_due *dues; /* own; scratch */
    size_t n, max, asked;
    size_t turn;      /* which partition is first next time */
    struct map index; /* user -> index into tasks */
    bool may_wait;    /* for the network, in this step */
    int64_t now_ms, pause_ms, retry_ms, store_us;
    char trouble[sizeof((struct err *)0)->text];
    struct tally count;
};

struct wave *wave_new(const struct wave_conf *conf, const struct wave_parts *parts)
{
    struct wave *w = mem_zero(1, sizeof *w);
    w->conf = *conf;
    w->parts = *parts;
    size_t fit = task_wave_max(conf->k, conf->n);
    w->max = fit < USERS_MAX ? fit : USERS_MAX;
    w->tasks = mem_zero(w->max, sizeof w->tasks[0]);
    w->asks = mem_zero(w->max, sizeof w->asks[0]);
    w->dues = mem_zero(w->max, sizeof w->dues[0]);
    map_init(&w->index);
    tally_init(&w->count, parts->metrics);
    return w;
}

void wave_free(struct wave *w)
{
    if (!w) return;
    wave_drop(w);
    map_finish(&w->index);
    free(w->tasks);
    free(w->asks);
    free(w->dues);
    free(w);
}

bool wave_busy(const struct wave *w)
{
    return w->step != STEP_IDLE;
}

bool wave_asking(const struct wave *w)
{
    return w->step == STEP_LOAD || w->step == STEP_ASK;
}

bool wave_pauses(const struct wave *w, int64_t now_ms)
{
    return wave_busy(w) && now_ms < w->retry_ms;
}

bool wave_halfway(const struct wave *w)
{
    return w->step == STEP_REWARD || w->step == STEP_USERS || w->step == STEP_RESOLVE;
}

const char *wave_trouble(const struct wave *w)
{
    return w->trouble;
}

static void clear(struct wave *w)
{
    metrics_add(w->count.in_flight, -(int64_t)w->n);
    for (size_t i = 0; i < w->n; i++) task_finish(&w->tasks[i]);
    w->n = w->asked = 0;
    map_clear(&w->index);
    w->step = STEP_IDLE;
}

void wave_drop(struct wave *w)
{
    client_drop(w->parts.client);
    cache_clear(w->parts.cache);
    clear(w);
    w->pause_ms = w->retry_ms = 0;
    w->trouble[0] = '\0';
}

static struct task *task_of(struct wave *w, struct str user)
{
    uint64_t *index = map_find(&w->index, user);
    return index ? &w->tasks[*index] : NULL;
}

/* --- taking users ----------------------------------------------------------------------------- */

static void take_from(struct wave *w, struct rounds *part, size_t max, const struct wave *other)
{
    size_t n = rounds_take(part, w->dues, max, &w->index, other ? &other->index : NULL);
    for (size_t i = 0; i < n; i++) {
        struct task *t = &w->tasks[w->n];
        *t = (struct task){.due = w->dues[i], .rows = rounds_due_user(&w->dues[i])};
        *map_find(&w->index, t->rows->user) = w->n++;
    }
}

static void take(struct wave *w, struct rounds *const *parts, size_t n, const struct wave *other)
{
    for (size_t i = 0; i < n; i++) /* the fair share of each, then what is left over */
        take_from(w, parts[(w->turn + i) % n], w->max / n, other);
    for (size_t i = 0; i < n && w->n < w->max; i++)
        take_from(w, parts[(w->turn + i) % n], w->max - w->n, other);
    metrics_add(w->count.in_flight, (int64_t)w->n);
}

bool wave_start(struct wave *w, struct rounds *const *parts, size_t n, const struct wave *other)
{
    assert(w->step == STEP_IDLE);
    take(w, parts, n, other);
    if (other && w->n < w->max / 4) {
        for (size_t i = 0; i < w->n; i++) rounds_return(&w->tasks[i].due);
        clear(w);
        return false;
    }
    w->turn++;
    w->step = w->n ? STEP_LOAD : STEP_IDLE;
    return w->n > 0;
}

/* --- ask -------------------------------------------------------------------------------------- */

static void answered(void *ctx, const struct client_reply *reply)
{
    struct ask *ask = ctx;
    if (reply->status != CLIENT_GOOD && ask->wave->conf.patient) return;
    const struct hot_redis *hot = ask->wave->parts.hot;
    task_choose(ask->task, reply, hot_redis_list(hot), ask->wave->conf.n);
    ask->task->hot_version = hot_redis_version(hot);
}

static void send(struct wave *w, struct task *t)
{
    struct str items[USERS_MONGO_HISTORY_MAX];
    for (size_t i = 0; i < t->history->n; i++) items[i] = t->history->at[i].item;
    struct client_ask question = {.user = t->rows->user,
                                  .history = items,
                                  .history_n = t->history->n,
                                  .n_rec = (int)w->conf.n};
    struct ask *ask = &w->asks[t - w->tasks];
    *ask = (struct ask){w, t};
    client_ask(w->parts.client, &question, answered, ask);
}

static void send_some(struct wave *w)
{
    for (; w->asked < w->n && client_room(w->parts.client); w->asked++)
        if (task_wants_slate(&w->tasks[w->asked])) send(w, &w->tasks[w->asked]);
    if (w->asked == w->n) client_hurry(w->parts.client);
}

static enum client_mongo_answer ask(struct wave *w, struct err *e)
{
    (void)e;
    send_some(w);
    if (client_pending(w->parts.client))
        client_poll(w->parts.client, w->may_wait ? NETWORK_WAIT_MS : 0);
    if (w->asked < w->n && client_room(w->parts.client)) { /* made by answers: fill it at once */
        send_some(w);
        client_poll(w->parts.client, 0);
    }
    if (w->asked < w->n || client_pending(w->parts.client)) return CLIENT_MONGO_DONE;
    for (size_t i = 0; i < w->n; i++)
        if (task_wants_slate(&w->tasks[i])) { /* patient: who has no answer is asked again */
            metrics_add(w->count.retries, 1);
            w->asked = 0;
            w->retry_ms = w->now_ms + PATIENCE_MS;
            return CLIENT_MONGO_DONE;
        }
    w->step = STEP_RECOMMEND;
    w->store_us = 0;
    return CLIENT_MONGO_DONE;
}

/* --- load ------------------------------------------------------------------------------------- */

static void found_user(void *ctx, struct str user, struct users_mongo_doc *doc_take)
{
    struct task *t = task_of(ctx, user);
    if (t && !t->doc)
        t->doc = doc_take;
    else
        users_mongo_doc_free(doc_take);
}

static void look_at_hot(struct wave *w)
{
    struct err e = {0};
    if (hot_redis_look(w->parts.hot, w->now_ms, &e)) return;
    metrics_add(w->count.hot_failed, 1);
    log_warn("recommend", "hot_list_away", "reason=\"%s\"", e.text);
}

static enum client_mongo_answer load(struct wave *w, struct err *e)
{
    struct str *unknown = mem_zero(w->n, sizeof *unknown);
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct task *t = &w->tasks[i];
        if (!t->doc) t->doc = cache_take(w->parts.cache, t->rows->user);
        if (!t->doc) unknown[n++] = t->rows->user;
    }
    enum client_mongo_answer answer =
        users_mongo_find(w->parts.users, unknown, n, found_user, w, e);
    free(unknown);
    if (answer != CLIENT_MONGO_DONE) return answer;
    for (size_t i = 0; i < w->n; i++) task_plan(&w->tasks[i], w->conf.k, &w->conf.rewards);
    look_at_hot(w);
    w->step = STEP_ASK;
    return ask(w, e);
}

/* --- recommend, reward ------------------------------------------------------------------------ */

/* In the order of the tasks; the caller frees them. */
static struct recommendations_mongo_doc *documents(struct wave *w, size_t *ret_n)
{
    struct recommendations_mongo_doc *docs = mem_zero(w->n, sizeof *docs);
    *ret_n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->tasks[i].state == TASK_SERVE)
            docs[(*ret_n)++] = task_recommendation(&w->tasks[i], w->conf.model);
    return docs;
}

struct adoption {
    struct wave *wave;
    size_t n;
};

static void found_slate(void *ctx, struct str user, struct slate *slate_take)
{
    struct adoption *adoption = ctx;
    struct task *t = task_of(adoption->wave, user);
    if (!t) return free(slate_take);
    free(t->slate);
    t->slate = slate_take;
    adoption->n++;
}

static enum client_mongo_answer adopt(struct wave *w, const struct recommendations_mongo_doc *docs,
                                      const struct client_mongo_counts *there, struct err *e)
{
    size_t n = there->duplicate_n;
    char(*texts)[SLATE_ID_BYTES] = mem_zero(n, sizeof *texts);
    struct str *ids = mem_zero(n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        const struct recommendations_mongo_doc *doc = &docs[there->duplicates[i]];
        ids[i] = slate_id(doc->user, doc->end_ms, texts[i]);
    }
    struct adoption adoption = {w, 0};
    enum client_mongo_answer answer =
        recommendations_mongo_find(w->parts.recommendations, ids, n, found_slate, &adoption, e);
    free(ids);
    free(texts);
    if (answer != CLIENT_MONGO_DONE || adoption.n == n) return answer;
    err_set(e, "mongodb: a recommendation that was there is gone");
    return CLIENT_MONGO_RETRY;
}

static void count_recommended(struct wave *w, size_t n, size_t adopted)
{
    metrics_add(w->count.out, (int64_t)(n - adopted));
    metrics_add(w->count.adopted, (int64_t)adopted);
    for (size_t i = 0; i < w->n; i++)
        if (w->tasks[i].state == TASK_SERVE)
            metrics_add(w->count.served[w->tasks[i].slate->source], 1);
}

static enum client_mongo_answer recommend(struct wave *w, struct err *e)
{
    size_t n;
    struct recommendations_mongo_doc *docs = documents(w, &n);
    struct client_mongo_counts there = {0};
    if (!w->store_us) w->store_us = clock_now_us();
    enum client_mongo_answer answer =
        recommendations_mongo_insert(w->parts.recommendations, docs, n, &there, e);
    if (answer == CLIENT_MONGO_DUPLICATES) answer = adopt(w, docs, &there, e);
    if (answer == CLIENT_MONGO_DONE) {
        count_recommended(w, n, there.duplicate_n);
        w->step = STEP_REWARD;
    }
    client_mongo_counts_finish(&there);
    free(docs);
    return answer;
}

static enum client_mongo_answer reward(struct wave *w, struct err *e)
{
    size_t n;
    struct recommendations_mongo_doc *docs = documents(w, &n);
    enum client_mongo_answer answer =
        recommendations_mongo_reward(w->parts.recommendations, docs, n, e);
    if (answer == CLIENT_MONGO_DONE) w->step = STEP_USERS;
    free(docs);
    return answer;
}

/* --- users, resolve, finish ------------------------------------------------------------------- */

static void finish(struct wave *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct task *t = &w->tasks[i];
        if (!t->slate) metrics_add(w->count.merged, 1);
        cache_put(w->parts.cache, t->rows->user, task_document(t));
        metrics_add(w->count.rounds, (int64_t)rounds_served(&t->due));
    }
    metrics_add(w->count.due, (int64_t)w->n);
    metrics_observe_us(w->count.flush, clock_now_us() - w->store_us);
    clear(w);
}

/* The users to insert (known = false) or to update, and their tasks in the same order. */
static size_t writes(struct wave *w, bool known, struct users_mongo_write *ret_writes,
                     struct task **ret_tasks)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct task *t = &w->tasks[i];
        if (t->state == TASK_STORED || (t->doc != NULL) != known) continue;
        ret_tasks[n] = t;
        ret_writes[n++] = task_user(t);
    }
    return n;
}

static enum client_mongo_answer insert_users(struct wave *w, struct users_mongo_write *scratch,
                                             struct task **tasks, struct err *e)
{
    struct client_mongo_counts there = {0};
    size_t n = writes(w, false, scratch, tasks);
    enum client_mongo_answer answer = users_mongo_insert(w->parts.users, scratch, n, &there, e);
    for (size_t i = 0; i < there.duplicate_n; i++) tasks[there.duplicates[i]]->refused = true;
    client_mongo_counts_finish(&there);
    return answer == CLIENT_MONGO_DUPLICATES ? CLIENT_MONGO_DONE : answer;
}

static enum client_mongo_answer update_users(struct wave *w, struct users_mongo_write *scratch,
                                             struct task **tasks, struct err *e)
{
    struct client_mongo_counts counts = {0};
    size_t n = writes(w, true, scratch, tasks);
    enum client_mongo_answer answer = users_mongo_update(w->parts.users, scratch, n, &counts, e);
    if (answer == CLIENT_MONGO_DONE && counts.matched_n < (int64_t)n) /* nobody says which */
        for (size_t i = 0; i < n; i++) tasks[i]->refused = true;
    client_mongo_counts_finish(&counts);
    return answer;
}

static bool any_refused(const struct wave *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->tasks[i].refused) return true;
    return false;
}

static enum client_mongo_answer users(struct wave *w, struct err *e)
{
    struct users_mongo_write *scratch = mem_zero(w->n, sizeof *scratch);
    struct task **tasks = mem_zero(w->n, sizeof *tasks);
    enum client_mongo_answer answer = insert_users(w, scratch, tasks, e);
    if (answer == CLIENT_MONGO_DONE) answer = update_users(w, scratch, tasks, e);
    free(scratch);
    free(tasks);
    if (answer != CLIENT_MONGO_DONE) return answer;
    if (any_refused(w))
        w->step = STEP_RESOLVE;
    else
        finish(w);
    return answer;
}

static void settle(struct wave *w, struct task *t, struct users_mongo_doc *doc_take)
{
    task_resolve(t, w->conf.k, doc_take);
    t->refused = false;
    if (t->state != TASK_STORED) metrics_add(w->count.stale, 1);
}

static void found_again(void *ctx, struct str user, struct users_mongo_doc *doc_take)
{
    struct task *t = task_of(ctx, user);
    if (t && t->refused)
        settle(ctx, t, doc_take);
    else
        users_mongo_doc_free(doc_take);
}

/* A document went back or away: only an operator's hand can do that. */
static bool lost_ground(const struct wave *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (task_wants_slate(&w->tasks[i])) return true;
    return false;
}

static enum client_mongo_answer resolve(struct wave *w, struct err *e)
{
    struct str *names = mem_zero(w->n, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->tasks[i].refused) names[n++] = w->tasks[i].rows->user;
    enum client_mongo_answer answer = users_mongo_find(w->parts.users, names, n, found_again, w, e);
    free(names);
    if (answer != CLIENT_MONGO_DONE) return answer;
    for (size_t i = 0; i < w->n; i++)
        if (w->tasks[i].refused) settle(w, &w->tasks[i], NULL);
    w->step = STEP_USERS;
    if (!lost_ground(w)) return answer;
    err_set(e, "mongodb: documents in users were changed by somebody else");
    return CLIENT_MONGO_FATAL;
}

/* --- the machine ------------------------------------------------------------------------------ */

static enum client_mongo_answer (*const steps[])(struct wave *, struct err *) = {
    [STEP_LOAD] = load,     [STEP_ASK] = ask,     [STEP_RECOMMEND] = recommend,
    [STEP_REWARD] = reward, [STEP_USERS] = users, [STEP_RESOLVE] = resolve,
};

static void try_later(struct wave *w, const struct err *problem)
{
    metrics_add(w->count.retries, 1);
    memcpy(w->trouble, problem->text, sizeof w->trouble);
    w->pause_ms = w->pause_ms ? w->pause_ms * 2 : PAUSE_FIRST_MS;
    if (w->pause_ms > PAUSE_MAX_MS) w->pause_ms = PAUSE_MAX_MS;
    w->retry_ms = w->now_ms + w->pause_ms;
}

bool wave_step(struct wave *w, int64_t now_ms, bool may_wait, int64_t *ret_wait_ms, struct err *e)
{
    w->now_ms = now_ms;
    w->may_wait = may_wait;
    if (w->step == STEP_IDLE) return true;
    if (now_ms < w->retry_ms) {
        if (w->retry_ms - now_ms < *ret_wait_ms) *ret_wait_ms = w->retry_ms - now_ms;
        return true;
    }
    struct err problem = {0};
    enum client_mongo_answer answer = steps[w->step](w, &problem);
    if (answer == CLIENT_MONGO_FATAL) return *e = problem, false;
    *ret_wait_ms = 0;
    if (answer == CLIENT_MONGO_RETRY) return try_later(w, &problem), true;
    w->pause_ms = 0;
    w->trouble[0] = '\0';
    return true;
}
