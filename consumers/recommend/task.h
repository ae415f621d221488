/* One user of a wave: what is stored of him, and what is to be stored. Pure. */
#ifndef WEIR_RECOMMEND_TASK_H
#define WEIR_RECOMMEND_TASK_H

#include "inference-client/client.h"
#include "io/recommendations_mongo.h"
#include "io/users_mongo.h"
#include "recommend/choice.h"
#include "recommend/rounds.h"

struct task {
    struct rounds_due due;
    const struct rounds_user *rows; /* ref in due */
    struct users_mongo_doc *doc;    /* own: as stored; NULL = not yet */
    struct history *history;        /* own: the newest K with the rows of the round */
    struct slate *slate;            /* own: what to show; NULL = not chosen yet */
    char *model, *version;          /* own: who answered; NULL = the service did not tell */
    int64_t hot_version;
    bool refused;      /* its write was: another was first */
    bool has_previous; /* a recommendation before this one */
    int64_t previous_ms, previous_reward;
    enum task_state {
        TASK_SERVE,  /* recommend, then write the user */
        TASK_MERGE,  /* recommended before, here or in another partition: only write the user */
        TASK_STORED, /* nothing is left to write */
    } state;
};

void task_finish(struct task *t);

/* task_plan works out history and reward from the stored document and the rows. */
void task_plan(struct task *t, size_t k, const struct weights *rewards);

/* task_resolve looks at the document that is stored after a write was refused (doc_take; NULL =
 * none): either our rows are in it, or they are merged into it. */
void task_resolve(struct task *t, size_t k, struct users_mongo_doc *doc_take);

/* task_wants_slate is true until the inference service was heard. */
bool task_wants_slate(const struct task *t);

/* task_choose makes the slate of n items of an answer and the hot list (NULL = none), and keeps who answered. */
void task_choose(struct task *t, const struct client_reply *reply, const struct slate *hot,
                 size_t n);

/* task_wave_max is how many users surely fit into the 40 MiB of a wave, whatever their rows hold: histories of k, slates of
 * n. */
size_t task_wave_max(size_t k, size_t n);

/* What to write; borrows from the task, and the name to tell where nobody told one. */
struct recommendations_mongo_doc task_recommendation(const struct task *t, const char *model);
struct users_mongo_write task_user(const struct task *t);

/* task_document returns the user's document as it is stored after the write of task_user; the
 * caller owns it. */
struct users_mongo_doc *task_document(struct task *t);

#endif
