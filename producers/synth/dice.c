#include "synth/dice.h"

#include <math.h>

uint64_t dice_mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

void dice_init(struct dice *d, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        d->state[i] = dice_mix(seed + (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t dice_roll(struct dice *d)
{
    uint64_t *s = d->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t dice_below(struct dice *d, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)dice_roll(d) * n) >> 64);
}

double dice_unit(struct dice *d)
{
    return (double)(dice_roll(d) >> 11) * 0x1.0p-53;
}

bool dice_chance(struct dice *d, double probability)
{
    return dice_unit(d) < probability;
}

double dice_exponential(struct dice *d, double mean)
{
    return -mean * log1p(-dice_unit(d));
}
