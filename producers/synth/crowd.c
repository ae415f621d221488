#include "synth/crowd.h"

#include <stdlib.h>

#include "base/mem.h"

struct visitor {
    int64_t time_ms;          /* of the next act */
    int64_t user, item, left; /* rows left in the visit; item 0 = comes anew */
};

struct crowd {
    struct crowd_conf conf;
    const struct shop *shop; /* ref in caller */
    struct dice *dice;       /* ref in caller */
    double away_ms;          /* mean pause between two visits */
    struct visitor *heap;    /* own; a binary heap, earliest act first */
};

/* Visits are as frequent as the wanted rate asks: users * rows / (visit + pause) = rate. */
static double pause_for(const struct crowd_conf *conf)
{
    double visit_s = conf->session_rows * conf->session_gap_s;
    double cycle_s = (double)conf->users * conf->session_rows / conf->rate;
    return cycle_s > visit_s ? (cycle_s - visit_s) * 1000 : 0;
}

struct crowd *crowd_new(const struct crowd_conf *conf, const struct shop *shop, struct dice *dice)
{
    struct crowd *c = mem_zero(1, sizeof *c);
    *c = (struct crowd){.conf = *conf, .shop = shop, .dice = dice, .away_ms = pause_for(conf)};
    c->heap = mem_zero((size_t)conf->users, sizeof c->heap[0]);
    double cycle_ms = (double)conf->users * conf->session_rows / conf->rate * 1000;
    for (int64_t i = 0; i < conf->users; i++) {
        /* evenly over one cycle, in ascending order: a valid heap */
        double part = ((double)i + dice_unit(dice)) / (double)conf->users;
        c->heap[i] = (struct visitor){conf->start_ms + (int64_t)(part * cycle_ms), i + 1, 0, 0};
    }
    return c;
}

void crowd_free(struct crowd *c)
{
    if (!c) return;
    free(c->heap);
    free(c);
}

static bool before(const struct visitor *a, const struct visitor *b)
{
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->user < b->user;
}

static void sink_root(struct crowd *c)
{
    struct visitor moved = c->heap[0];
    int64_t i = 0, n = c->conf.users;
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&c->heap[child + 1], &c->heap[child])) child++;
        if (!before(&c->heap[child], &moved)) break;
        c->heap[i] = c->heap[child];
    }
    c->heap[i] = moved;
}

static const char *behavior(struct dice *dice)
{
    double u = dice_unit(dice);
    return u < 0.89 ? "pv" : u < 0.95 ? "cart" : u < 0.98 ? "fav" : "buy";
}

static void begin_visit(struct crowd *c, struct visitor *v)
{
    v->item = shop_first(c->shop, c->dice, v->time_ms);
    v->left = 1 + (int64_t)dice_exponential(c->dice, c->conf.session_rows - 1);
}

struct crowd_act crowd_next(struct crowd *c)
{
    struct visitor *v = &c->heap[0];
    if (v->left == 0)
        begin_visit(c, v);
    else
        v->item = shop_next(c->shop, c->dice, v->item, v->time_ms);
    struct crowd_act act = {v->time_ms, v->user, v->item, behavior(c->dice)};
    v->left--;
    double wait_ms = dice_exponential(c->dice, v->left ? c->conf.session_gap_s * 1000 : c->away_ms);
    v->time_ms += 1 + (int64_t)wait_ms;
    sink_root(c);
    return act;
}
