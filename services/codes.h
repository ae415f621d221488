/* Vectors of 32 floats in a byte a coordinate: a quarter of the memory to read, to leave out nearly all items
 * whose dot product with a query is too small. What is left is scored by its floats, so the best are
 * exactly the best; "vector approximation" of Weber, Schek and Blott (VLDB 1998).
 *
 * Coordinate x is coded as c = round(x / scale), -63..63, and kept as c + 64. A query's q is coded as
 * k = round(q / step), -127..127. Then q.x is scale * step * (sum of k c), off by at most
 *
 *     scale / 2 * (sum of |q|)  +  |q - step * k| * norm,
 *
 * where norm is the greatest length of a coded vector. Sums of bytes are exact: all paths agree.
 *
 * Codes lie in tiles of 128 items; in a tile, coordinates 0-3 of its items one after the other, then 4-7 ... */
#ifndef WEIR_SERVICES_CODES_H
#define WEIR_SERVICES_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CODES_DIMS = 32,
    CODES_TILE = 128,
    CODES_TILE_BYTES = CODES_TILE * CODES_DIMS,
    CODES_WORDS = CODES_TILE / 64, /* of a bit for each item of a tile */
};

/* codes_bytes is how many bytes n items take: the last tile is filled up. */
static inline uint64_t codes_bytes(uint64_t n)
{
    return (n + CODES_TILE - 1) / CODES_TILE * CODES_TILE_BYTES;
}

struct codes_bounds {
    float scale, norm;
};

/* codes_fill codes n vectors (f32[n][32], finite). */
struct codes_bounds codes_fill(const float *vectors, uint32_t n, uint8_t *ret_codes);

struct codes_query {
    int8_t at[CODES_DIMS];
    double unit, error; /* a score is unit * sum, give or take error */
    int32_t shift;      /* what the 64 of each code add to a sum */
};

struct codes_query codes_query_of(const float vector[CODES_DIMS], struct codes_bounds bounds);

/* codes_least is the least sum of who may score more than this; any, for -INFINITY. */
int32_t codes_least(const struct codes_query *q, double score);

/* codes_at_least is what an item with this sum scores at least. */
double codes_at_least(const struct codes_query *q, int32_t sum);

/* Sets the bits of the items of tiles in a row whose sum is not below least: CODES_WORDS for each tile. Returns
 * whether there are any. */
typedef bool codes_scan(const uint8_t *tiles, size_t tiles_n, const int8_t query[CODES_DIMS],
                        int32_t least, uint64_t *ret_hits);

/* The ways to do it, fastest first; each says whether this CPU has it. */
struct codes_path {
    const char *name;
    bool (*runs_here)(void);
    codes_scan *scan;
};

extern const struct codes_path codes_paths[];
extern const size_t codes_paths_n;

/* codes_best_scan is the fastest that runs here. */
codes_scan *codes_best_scan(void);

#endif
