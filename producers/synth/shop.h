/* A made-up shop: its items' popularity (Zipf), which item leads to which, and how both drift. */
#ifndef WEIR_SYNTH_SHOP_H
#define WEIR_SYNTH_SHOP_H

#include "synth/dice.h"

struct shop_conf {
    int64_t items;
    double zipf;      /* popularity of rank r ~ 1 / r^zipf */
    double follow;    /* probability that a visitor goes on to a successor of the item seen last */
    int64_t drift_ms; /* every so often the ranks move on by one item in a hundred; 0 = never */
    int64_t start_ms;
};

struct shop;

struct shop *shop_new(const struct shop_conf *conf, struct dice *dice);
void shop_free(struct shop *s);

/* shop_first picks an item by popularity at a time; shop_next one that may follow another. Items are 1..items. */
int64_t shop_first(const struct shop *s, struct dice *dice, int64_t time_ms);
int64_t shop_next(const struct shop *s, struct dice *dice, int64_t item, int64_t time_ms);

#endif
