/* Seeded random numbers, the same on every machine: xoshiro256** (Blackman and Vigna, "Scrambled Linear
 * Pseudorandom Number Generators", 2018), seeded by splitmix64. */
#ifndef WEIR_SYNTH_DICE_H
#define WEIR_SYNTH_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state[4];
};

void dice_init(struct dice *d, uint64_t seed);
uint64_t dice_roll(struct dice *d);              /* 64 random bits */
uint64_t dice_below(struct dice *d, uint64_t n); /* 0..n-1; n > 0 */
double dice_unit(struct dice *d);                /* [0, 1) */
bool dice_chance(struct dice *d, double probability);
double dice_exponential(struct dice *d, double mean);

/* dice_mix is a fixed hash of a number: what belongs to item 17, whatever was rolled before. */
uint64_t dice_mix(uint64_t value);

#endif
