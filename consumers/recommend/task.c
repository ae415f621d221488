#include "recommend/task.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
    WAVE_BYTES = 40 << 20,
    ENTRY_BYTES = 4096 + EVENT_KEY_MAX + 160, /* of a history, at most */
    ITEM_BYTES = EVENT_KEY_MAX + 16,          /* of a slate */
};

void task_finish(struct task *t)
{
    users_mongo_doc_free(t->doc);
    free(t->history);
    free(t->slate);
    free(t->model);
    free(t->version);
    *t = (struct task){0};
}

/* users.last.time >= E says that this user's recommendations up to E are stored, since they are
 * written before the user. What is left is to see to it that the history knows our rows. */
static void merge(struct task *t, size_t k)
{
    free(t->history);
    t->history = history_merge(t->doc ? t->doc->history : NULL, t->rows->rows, t->rows->n, k);
    t->state = TASK_SERVE;
    if (!t->doc || t->doc->last_ms < t->due.bucket->due_ms) return;
    t->state = history_same(t->history, t->doc->history) ? TASK_STORED : TASK_MERGE;
}

void task_plan(struct task *t, size_t k, const struct weights *rewards)
{
    merge(t, k);
    t->has_previous = t->doc != NULL;
    if (!t->doc) return;
    t->previous_ms = t->doc->last_ms;
    t->previous_reward =
        choice_reward(rewards, t->doc->last, t->doc->last_ms, t->rows->rows, t->rows->n);
}

void task_resolve(struct task *t, size_t k, struct users_mongo_doc *doc_take)
{
    users_mongo_doc_free(t->doc);
    t->doc = doc_take;
    merge(t, k);
}

size_t task_wave_max(size_t k, size_t n)
{
    return WAVE_BYTES / (k * ENTRY_BYTES + n * ITEM_BYTES + 4096);
}

bool task_wants_slate(const struct task *t)
{
    return t->state == TASK_SERVE && !t->slate;
}

static void name(struct task *t, struct str model, struct str version)
{
    free(t->model);
    free(t->version);
    t->model = model.at ? mem_dup(model.at, model.len) : NULL;
    t->version = version.at ? mem_dup(version.at, version.len) : NULL;
}

void task_choose(struct task *t, const struct client_reply *reply, const struct slate *hot,
                 size_t n)
{
    t->slate = choice_slate(&(struct choice){reply->items, reply->n, hot, t->history, n});
    name(t, reply->model, reply->version);
}

struct recommendations_mongo_doc task_recommendation(const struct task *t, const char *model)
{
    return (struct recommendations_mongo_doc){.user = t->rows->user,
                                              .end_ms = t->due.bucket->due_ms,
                                              .history = t->history,
                                              .slate = t->slate,
                                              .model = t->model ? t->model : model,
                                              .version = t->version,
                                              .hot_version = t->hot_version,
                                              .has_previous = t->has_previous,
                                              .previous_ms = t->previous_ms,
                                              .previous_reward = t->previous_reward};
}

struct users_mongo_write task_user(const struct task *t)
{
    bool serve = t->state == TASK_SERVE;
    return (struct users_mongo_write){.user = t->rows->user,
                                      .history = t->history,
                                      .last_ms = serve ? t->due.bucket->due_ms : t->doc->last_ms,
                                      .last = serve ? t->slate : t->doc->last,
                                      .rev = t->doc ? t->doc->rev : 0};
}

struct users_mongo_doc *task_document(struct task *t)
{
    struct users_mongo_doc *doc = t->doc;
    t->doc = NULL;
    if (t->state == TASK_STORED) return doc;
    if (!doc) doc = mem_zero(1, sizeof *doc);
    doc->rev++;
    free(doc->history);
    doc->history = t->history;
    t->history = NULL;
    if (t->state == TASK_MERGE) return doc;
    free(doc->last);
    doc->last = t->slate;
    doc->last_ms = t->due.bucket->due_ms;
    t->slate = NULL;
    return doc;
}
