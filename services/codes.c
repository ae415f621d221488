#include "services/codes.h"

#include <math.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum {
    CODE_MAX = 63, /* two products of 127 * 127 fit into 16 bits, which vpmaddubsw needs */
    CODE_ZERO = 64,
    QUERY_MAX = 127,
    FOUR = 4, /* coordinates that are added at once */
    FOURS = CODES_DIMS / FOUR,
};

static const float SCALE_MIN = 1e-30f;

/* -- codes -- */

static float greatest(const float *at, uint64_t n)
{
    float max = 0;
    for (uint64_t i = 0; i < n; i++) max = fabsf(at[i]) > max ? fabsf(at[i]) : max;
    return max;
}

/* Returns the square of the coded vector's length, in units of scale. */
static int code_item(const float *vector, float scale, uint8_t *tile, size_t lane)
{
    int square = 0;
    for (size_t d = 0; d < CODES_DIMS; d++) {
        int code = scale > 0 ? (int)lrintf(vector[d] / scale) : 0;
        code = code > CODE_MAX ? CODE_MAX : code < -CODE_MAX ? -CODE_MAX : code;
        tile[(d / FOUR * CODES_TILE + lane) * FOUR + d % FOUR] = (uint8_t)(code + CODE_ZERO);
        square += code * code;
    }
    return square;
}

struct codes_bounds codes_fill(const float *vectors, uint32_t n, uint8_t *ret_codes)
{
    float scale = greatest(vectors, (uint64_t)n * CODES_DIMS) / CODE_MAX;
    if (scale < SCALE_MIN) scale = 0; /* it would not be exact: every item is a hit */
    int most = 0;
    memset(ret_codes, CODE_ZERO, codes_bytes(n));
    for (uint32_t i = 0; i < n; i++) {
        int square =
            code_item(vectors + (size_t)i * CODES_DIMS, scale,
                      ret_codes + (size_t)i / CODES_TILE * CODES_TILE_BYTES, i % CODES_TILE);
        most = square > most ? square : most;
    }
    return (struct codes_bounds){scale, scale * sqrtf((float)most)};
}

/* -- queries -- */

/* Floats of 24 bits, some of them rounded three times on the way to here. */
static const double slack = 1e-5;

struct codes_query codes_query_of(const float vector[CODES_DIMS], struct codes_bounds bounds)
{
    struct codes_query q = {0};
    double step = (double)greatest(vector, CODES_DIMS) / QUERY_MAX, sum = 0, left = 0;
    for (size_t d = 0; d < CODES_DIMS; d++) {
        double x = (double)vector[d];
        long code = step > 0 ? lrint(x / step) : 0;
        q.at[d] = (int8_t)(code > QUERY_MAX ? QUERY_MAX : code < -QUERY_MAX ? -QUERY_MAX : code);
        q.shift += CODE_ZERO * q.at[d];
        sum += fabs(x);
        left += (x - step * q.at[d]) * (x - step * q.at[d]);
    }
    double scale = (double)bounds.scale;
    q.unit = scale * step;
    q.error =
        scale * sum * (0.5 + slack * CODE_MAX) + sqrt(left) * (double)bounds.norm * (1 + slack);
    return q;
}

int32_t codes_least(const struct codes_query *q, double score)
{
    double least = q->unit > 0 ? floor((score - q->error) / q->unit) + q->shift : INT32_MIN;
    return least < INT32_MIN ? INT32_MIN : least > INT32_MAX ? INT32_MAX : (int32_t)least;
}

double codes_at_least(const struct codes_query *q, int32_t sum)
{
    return q->unit * ((double)sum - q->shift) - q->error;
}

/* -- scans -- */

static bool always(void)
{
    return true;
}

static uint64_t scan_tile(const uint8_t *tile, const int8_t query[CODES_DIMS], int32_t least,
                          uint64_t ret_hits[CODES_WORDS])
{
    int32_t sums[CODES_TILE] = {0};
    for (size_t d = 0; d < CODES_DIMS; d++) {
        const uint8_t *from = tile + d / FOUR * CODES_TILE * FOUR + d % FOUR;
        for (size_t i = 0; i < CODES_TILE; i++) sums[i] += from[i * FOUR] * query[d];
    }
    memset(ret_hits, 0, CODES_WORDS * sizeof ret_hits[0]);
    for (size_t i = 0; i < CODES_TILE; i++)
        ret_hits[i / 64] |= (uint64_t)(sums[i] >= least) << i % 64;
    return ret_hits[0] | ret_hits[1];
}

static bool scan_portable(const uint8_t *tiles, size_t tiles_n, const int8_t query[CODES_DIMS],
                          int32_t least, uint64_t *ret_hits)
{
    uint64_t any = 0;
    for (size_t t = 0; t < tiles_n; t++)
        any |= scan_tile(tiles + t * CODES_TILE_BYTES, query, least, ret_hits + t * CODES_WORDS);
    return any != 0;
}

#ifdef __x86_64__
/* Eight items a register; eight registers at a time hide how long one addition takes. */
__attribute__((target("avx2"))) static uint64_t scan_64_avx2(const uint8_t *at, const int8_t *query,
                                                             __m256i below)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums[8] = {0};
    for (size_t f = 0; f < FOURS; f++) {
        int32_t four;
        memcpy(&four, query + f * FOUR, sizeof four);
        const __m256i all = _mm256_set1_epi32(four);
        const __m256i *from = (const __m256i *)(at + f * CODES_TILE * FOUR);
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++) {
            __m256i pairs = _mm256_maddubs_epi16(_mm256_loadu_si256(from + i), all);
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs, ones));
        }
    }
    uint64_t hits = 0;
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++) {
        __m256i above = _mm256_cmpgt_epi32(sums[i], below);
        hits |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(above)) << i * 8;
    }
    return hits;
}

__attribute__((target("avx2"))) static bool scan_avx2(const uint8_t *tiles, size_t tiles_n,
                                                      const int8_t query[CODES_DIMS], int32_t least,
                                                      uint64_t *ret_hits)
{
    const __m256i below = _mm256_set1_epi32(least > INT32_MIN ? least - 1 : INT32_MIN);
    uint64_t any = 0;
    for (size_t w = 0; w < tiles_n * CODES_WORDS; w++) {
        const uint8_t *tile = tiles + w / CODES_WORDS * CODES_TILE_BYTES;
        any |= ret_hits[w] = scan_64_avx2(tile + w % CODES_WORDS * 64 * FOUR, query, below);
    }
    return any != 0;
}

#define AVX512 "avx512f,avx512bw,avx512vl,avx512vnni"

/* Sixteen items a register, and one instruction for the product of four coordinates. */
__attribute__((target(AVX512))) static inline uint64_t
scan_tile_avx512(const uint8_t *tile, const __m512i all[FOURS], __m512i limit, uint64_t *ret_hits)
{
    const __m512i *from = (const __m512i *)tile;
    __m512i sums[8] = {0};
#pragma GCC unroll 8
    for (size_t f = 0; f < FOURS; f++)
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            sums[i] = _mm512_dpbusd_epi32(sums[i], _mm512_loadu_si512(from + f * 8 + i), all[f]);
    uint64_t hits[CODES_WORDS] = {0};
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        hits[i / 4] |= (uint64_t)_mm512_cmpge_epi32_mask(sums[i], limit) << i % 4 * 16;
    memcpy(ret_hits, hits, sizeof hits);
    return hits[0] | hits[1];
}

__attribute__((target(AVX512))) static bool scan_avx512(const uint8_t *tiles, size_t tiles_n,
                                                        const int8_t query[CODES_DIMS],
                                                        int32_t least, uint64_t *ret_hits)
{
    __m512i all[FOURS];
    uint64_t any = 0;
    for (size_t f = 0; f < FOURS; f++) {
        int32_t four;
        memcpy(&four, query + f * FOUR, sizeof four);
        all[f] = _mm512_set1_epi32(four);
    }
    for (size_t t = 0; t < tiles_n; t++)
        any |= scan_tile_avx512(tiles + t * CODES_TILE_BYTES, all, _mm512_set1_epi32(least),
                                ret_hits + t * CODES_WORDS);
    return any != 0;
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}
#endif

const struct codes_path codes_paths[] = {
#ifdef __x86_64__
    {"avx512", has_avx512, scan_avx512},
    {"avx2", has_avx2, scan_avx2},
#endif
    {"portable", always, scan_portable},
};

const size_t codes_paths_n = sizeof codes_paths / sizeof codes_paths[0];

codes_scan *codes_best_scan(void)
{
    size_t i = 0;
    while (!codes_paths[i].runs_here()) i++;
    return codes_paths[i].scan;
}
