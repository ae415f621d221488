/* The model "ddpg": the actor of DDPG over frozen embeddings, as DBRL trains it (Lillicrap et al.,
 * "Continuous Control with Deep Reinforcement Learning", ICLR 2016). A network 352-64-64-32, with ReLU
 * between its layers and nothing behind the last, turns what is known of a user into a vector; an item's
 * score is the dot product of this and its embedding. fit/ddpg_fit.c makes it of a trainer's weights.
 *
 *     user_start u64[u+1] | user_text byte[] | users f32[u][32] | items f32[n][32] |
 *     codes byte[] | bounds f32[2]: of items, as codes.h has them |
 *     network f32[28832]: for each layer the weights [in][out], then the biases [out]
 *
 * The input is the user's embedding, and those of his last ten items, oldest first, with zeros in front
 * where there are fewer; who is unknown is all zeros. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "services/ddpg.h"
#include "services/model.h"

enum { USER_START, USER_TEXT, USERS, ITEMS, CODES, BOUNDS, NETWORK, ARRAYS_N };
enum { DIMS = NEAREST_DIMS };

_Static_assert((int)DIMS == (int)DDPG_OUT, "the last layer gives an item's vector");

/* Within it no sum of the network can overflow: 352 * 1e3 * 1e3, times 64 * 1e3 twice, times 32 * 1e3. */
static const float MAGNITUDE_MAX = 1e3F;

static bool all_small(const struct array_file_array *a)
{
    const float *at = a->at;
    for (uint64_t i = 0; i < a->n; i++)
        if (fabsf(at[i]) > MAGNITUDE_MAX) return false;
    return true;
}

static struct nearest nearest(const struct model *m)
{
    const float *bounds = array_file_f32(&m->data, BOUNDS);
    return (struct nearest){array_file_f32(&m->data, ITEMS),
                            m->data.arrays[CODES].at,
                            {bounds[0], bounds[1]},
                            m->ids.n};
}

/* Codes that are not those of the vectors would hide items. */
static bool codes_match(const struct model *m)
{
    struct nearest s = nearest(m);
    uint64_t bytes = codes_bytes(s.n);
    uint8_t *codes = mem_zero(bytes, 1);
    struct codes_bounds bounds = codes_fill(s.vectors, s.n, codes);
    bool same =
        memcmp(codes, s.codes, bytes) == 0 && memcmp(&bounds, &s.bounds, sizeof bounds) == 0;
    free(codes);
    return same;
}

static const char *check(const struct model *m)
{
    const struct array_file *d = &m->data;
    if (d->arrays[USERS].n != (uint64_t)m->users.n * DIMS ||
        d->arrays[ITEMS].n != (uint64_t)m->ids.n * DIMS ||
        d->arrays[CODES].n != codes_bytes(m->ids.n) || d->arrays[BOUNDS].n != 2 ||
        d->arrays[NETWORK].n != DDPG_FLOATS)
        return "its sizes are wrong";
    for (size_t i = USERS; i < ARRAYS_N; i++)
        if (d->arrays[i].type == ARRAY_FILE_F32 && !all_small(&d->arrays[i]))
            return "a number in it is above 1000";
    return codes_match(m) ? NULL : "its codes are not those of its vectors";
}

/* -- the network -- */

/* Sixteen sums at a time, which the compiler keeps in registers. */
typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));

enum { LANES = sizeof(lanes) / sizeof(float), LANES_MAX = DDPG_HIDDEN / LANES };

/* Writes what a layer makes of in, and returns the next layer. */
static inline __attribute__((always_inline)) const float *
layer(const float *weights, const float *in, size_t in_n, float *out, size_t out_n)
{
    const lanes *row = (const lanes *)weights;
    const size_t n = out_n / LANES;
    lanes sums[LANES_MAX];
    for (size_t k = 0; k < n; k++) sums[k] = row[in_n * n + k];
    for (size_t i = 0; i < in_n; i++)
#pragma GCC unroll 4
        for (size_t k = 0; k < n; k++) sums[k] += in[i] * row[i * n + k];
    memcpy(out, sums, out_n * sizeof out[0]);
    return weights + (in_n + 1) * out_n;
}

static void relu(float *at)
{
    for (size_t i = 0; i < DDPG_HIDDEN; i++) at[i] = at[i] > 0 ? at[i] : 0;
}

#ifdef __x86_64__
__attribute__((target_clones("default", "avx2", "avx512f")))
#endif
static void
run(const float *weights, const float *in, float *out)
{
    float first[DDPG_HIDDEN], second[DDPG_HIDDEN];
    weights = layer(weights, in, DDPG_IN, first, DDPG_HIDDEN);
    relu(first);
    weights = layer(weights, first, DDPG_HIDDEN, second, DDPG_HIDDEN);
    relu(second);
    layer(weights, second, DDPG_HIDDEN, out, DDPG_OUT);
}

/* -- answers -- */

/* Copies an embedding; false = there is none. */
static bool embed(const float *rows, uint32_t row, float *to)
{
    if (row != IDS_UNKNOWN) memcpy(to, rows + (size_t)row * DIMS, DIMS * sizeof to[0]);
    return row != IDS_UNKNOWN;
}

static bool query(const struct model *m, struct str user, const uint32_t *items, size_t items_n,
                  float ret_vector[NEAREST_DIMS])
{
    const struct array_file *d = &m->data;
    float in[DDPG_IN] = {0};
    size_t n = items_n < DDPG_HISTORY ? items_n : DDPG_HISTORY;
    bool known = user.len && embed(array_file_f32(d, USERS), ids_find(&m->users, user), in);
    for (size_t k = 0; k < n; k++)
        known |=
            embed(array_file_f32(d, ITEMS), items[items_n - 1 - k], in + (DDPG_HISTORY - k) * DIMS);
    run(array_file_f32(d, NETWORK), in, ret_vector);
    return known;
}

static void score(const struct model *m, void *work, const uint32_t *items, size_t items_n,
                  struct scores *out)
{
    (void)work;
    float vector[DIMS];
    struct nearest s = nearest(m);
    if (!query(m, (struct str){0}, items, items_n, vector)) return;
    for (uint32_t i = 0; i < s.n; i++) scores_add(out, i, nearest_score(&s, i, vector));
}

const struct kind ddpg_kind = {
    .name = "ddpg",
    .types = {ARRAY_FILE_U64, ARRAY_FILE_BYTE, ARRAY_FILE_F32, ARRAY_FILE_F32, ARRAY_FILE_BYTE,
              ARRAY_FILE_F32, ARRAY_FILE_F32},
    .arrays_n = ARRAYS_N,
    .knows_users = true,
    .check = check,
    .score = score,
    .nearest = nearest,
    .query = query,
};
