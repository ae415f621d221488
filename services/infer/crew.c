#include "infer/crew.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

/* On the stack of who shares it; in the list as long as there is a piece to take. */
struct work {
    crew_piece *piece;
    void *ctx;
    size_t n, taken, done;
    pthread_cond_t all_done;
    struct work *next;
};

struct crew {
    pthread_mutex_t lock; /* of the list, and of all work in it */
    pthread_cond_t more;
    struct work *first; /* to arrive; as many as there are threads that share, so a walk is short */
    bool leave;
    pthread_t *helpers; /* own */
    size_t helpers_n;
};

static void append(struct crew *c, struct work *w)
{
    struct work **end = &c->first;
    while (*end) end = &(*end)->next;
    *end = w;
}

static void take_out(struct crew *c, const struct work *w)
{
    struct work **at = &c->first;
    while (*at != w) at = &(*at)->next;
    *at = w->next;
}

/* The lock is held, but for the time of the piece itself. */
static void do_one(struct crew *c, struct work *w)
{
    size_t i = w->taken++;
    if (w->taken == w->n) take_out(c, w);
    pthread_mutex_unlock(&c->lock);
    w->piece(w->ctx, i);
    pthread_mutex_lock(&c->lock);
    if (++w->done == w->n) pthread_cond_signal(&w->all_done);
}

static void *help(void *self)
{
    struct crew *c = self;
    pthread_mutex_lock(&c->lock);
    while (!c->leave)
        if (c->first)
            do_one(c, c->first);
        else
            pthread_cond_wait(&c->more, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

void crew_share(struct crew *c, size_t n, crew_piece *piece, void *ctx)
{
    struct work w = {.piece = piece, .ctx = ctx, .n = n};
    if (n < 2 || c->helpers_n == 0) {
        for (size_t i = 0; i < n; i++) piece(ctx, i);
        return;
    }
    pthread_cond_init(&w.all_done, NULL);
    pthread_mutex_lock(&c->lock);
    append(c, &w);
    pthread_cond_broadcast(&c->more);
    while (w.taken < n) do_one(c, &w);
    while (w.done < n) pthread_cond_wait(&w.all_done, &c->lock);
    pthread_mutex_unlock(&c->lock);
    pthread_cond_destroy(&w.all_done);
}

struct crew *crew_new(size_t helpers_n)
{
    struct crew *c = mem_zero(1, sizeof *c);
    c->helpers = mem_zero(helpers_n + 1, sizeof c->helpers[0]);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->more, NULL);
    while (c->helpers_n < helpers_n &&
           pthread_create(&c->helpers[c->helpers_n], NULL, help, c) == 0)
        c->helpers_n++;
    if (c->helpers_n < helpers_n)
        log_warn("crew", "short", "helpers=%zu of=%zu text=\"no more threads can be made\"",
                 c->helpers_n, helpers_n);
    return c;
}

void crew_free(struct crew *c)
{
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    assert(!c->first);
    c->leave = true;
    pthread_cond_broadcast(&c->more);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < c->helpers_n; i++) pthread_join(c->helpers[i], NULL);
    pthread_cond_destroy(&c->more);
    pthread_mutex_destroy(&c->lock);
    free(c->helpers);
    free(c);
}
