/* Plays a case: its records and events reach daemons, which are the real stages in a loop, with a clock that moves only when
 * the script says so. */
#ifndef WEIR_TESTS_PLAY_H
#define WEIR_TESTS_PLAY_H

#include "consumers/input.h"
#include "count/count.h"
#include "rank/rank.h"
#include "recommend/recommend.h"
#include "script.h"

/* Everything that a case may set, by the real rows, and what the doubles answer. */
struct play_conf {
    struct input_conf input;
    struct watermark_conf time;
    struct window_conf window;
    struct op_count_conf weight;
    struct count_conf count;
    struct rank_conf rank;
    struct recommend_own recommend;
    struct play_service {
        char *items, *hot; /* catalogue of the inference service, hot list in Redis */
    } service;
};

void play_conf_read(struct play_conf *conf, const struct script *s);
void play_conf_free(struct play_conf *conf);

/* A process: born, killed and born again while its source and the doubles stay. */
struct play_actor {
    struct source *source; /* ref */
    void *(*birth)(void *ctx, struct stage *ret_stage);
    void (*death)(void *self);
    void *ctx;
    void *self; /* NULL = not alive */
    struct stage stage;
};

/* play_new is undisturbed for kill_after = -1; else all processes are killed after that turn, too. */
struct play {
    const struct script *script;
    const struct play_conf *conf;
    struct source *events;     /* ref; empty */
    struct play_actor *actors; /* in the order of the flow */
    size_t actor_n;
    long kill_after;
};

/* play_run plays the whole script and goes on until all is read and idle. */
void play_run(struct play *p);

/* play_everywhere calls run(ctx, when, kill_after) once for each way of killing the processes of a case: after every turn, and
 * (by fate) before and after every effect. */
typedef void play_fn(void *ctx, const char *when, long kill_after);
void play_everywhere(const struct script *s, play_fn *run, void *ctx);

/* play_cases runs the test for each case, as one test of the group each. */
int play_cases(const char *group, void (*test)(void **name));

#endif
