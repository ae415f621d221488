#include "synth/shop.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct shop {
    struct shop_conf conf;
    double *cumulated; /* own; probability of ranks 0..r */
    int64_t *at_rank;  /* own; the item that has a rank, before any drift */
};

/* A visitor follows one of so many successors of an item, the first most often. */
static const double successor_chances[] = {0.5, 0.25, 0.15, 0.1};

static void shuffle(int64_t *items, int64_t n, struct dice *dice)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)dice_below(dice, (uint64_t)i + 1), kept = items[i];
        items[i] = items[j];
        items[j] = kept;
    }
}

struct shop *shop_new(const struct shop_conf *conf, struct dice *dice)
{
    struct shop *s = mem_zero(1, sizeof *s);
    size_t n = (size_t)conf->items;
    s->conf = *conf;
    s->cumulated = mem_zero(n, sizeof s->cumulated[0]);
    s->at_rank = mem_zero(n, sizeof s->at_rank[0]);
    double total = 0;
    for (size_t i = 0; i < n; i++) s->cumulated[i] = total += pow((double)i + 1, -conf->zipf);
    for (size_t i = 0; i < n; i++) s->cumulated[i] /= total;
    for (size_t i = 0; i < n; i++) s->at_rank[i] = (int64_t)i + 1;
    shuffle(s->at_rank, conf->items, dice);
    return s;
}

void shop_free(struct shop *s)
{
    if (!s) return;
    free(s->cumulated);
    free(s->at_rank);
    free(s);
}

static int64_t rank_of(const struct shop *s, double u)
{
    int64_t low = 0, high = s->conf.items - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (s->cumulated[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int64_t shop_first(const struct shop *s, struct dice *dice, int64_t time_ms)
{
    int64_t steps = s->conf.drift_ms ? (time_ms - s->conf.start_ms) / s->conf.drift_ms : 0;
    int64_t moved = steps * (s->conf.items / 100 + 1);
    return s->at_rank[(rank_of(s, dice_unit(dice)) + moved) % s->conf.items];
}

int64_t shop_next(const struct shop *s, struct dice *dice, int64_t item, int64_t time_ms)
{
    if (!dice_chance(dice, s->conf.follow)) return shop_first(s, dice, time_ms);
    double u = dice_unit(dice);
    uint64_t which = 0;
    while (which < 3 && u >= successor_chances[which]) u -= successor_chances[which++];
    return (int64_t)(dice_mix((uint64_t)item * 4 + which) % (uint64_t)s->conf.items) + 1;
}
