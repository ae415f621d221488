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
    size_t records_max; /* that it reads in a round */
};

/* A way to play a case. What comes out in the end is the same every way. */
struct play_way {
    const char *name;
    long kill_after; /* all processes die after this turn; PLAY_NEVER */
    int stride; /* all processes but the first work after every stride-th turn only, then on all that is there */
};

enum { PLAY_NEVER = -1 };

#define PLAY_UNDISTURBED ((struct play_way){"undisturbed", PLAY_NEVER, 1})

struct play {
    const struct script *script;
    const struct play_conf *conf;
    struct source *events;     /* ref; empty */
    struct play_actor *actors; /* in the order of the flow */
    size_t actor_n;
    struct play_way way;
};

/* play_run plays the whole script and goes on until all is read and idle. */
void play_run(struct play *p);

/* play_to_error plays the script until somebody fails, who is expected to; meddle is called after each turn, with the
 * ctx of the first; NULL is fine. */
void play_to_error(struct play *p, void (*meddle)(void *ctx, size_t turn), struct err *e);

/* One process by hand: born with an empty memory; a round of its loop, so much later, that must not fail and returns for
 * how long it would wait, of PLAY_WAIT_MS at most; dead. */
enum { PLAY_WAIT_MS = 10000 };
void play_birth(struct play_actor *a);
int64_t play_round(struct play_actor *a, int64_t ms);
void play_death(struct play_actor *a);

/* play_everyway calls run(ctx, way) once for every way but the undisturbed one: killed after each turn; killed, or failing,
 * before and after each effect; in great strides. */
typedef void play_fn(void *ctx, struct play_way way);
void play_everyway(const struct script *s, play_fn *run, void *ctx);

/* play_cases runs the test for each case, as one test of the group each. */
int play_cases(const char *group, void (*test)(void **name));

#endif
