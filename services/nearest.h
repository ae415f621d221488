/* The items of a model whose scores are dot products of vectors, and the best of them. */
#ifndef WEIR_SERVICES_NEAREST_H
#define WEIR_SERVICES_NEAREST_H

#include "services/best.h"
#include "services/codes.h"

enum {
    NEAREST_DIMS = CODES_DIMS,
    NEAREST_USERS_MAX = 16,
    NEAREST_BLOCK = 4, /* tiles that all users look at while they are in the nearest cache */
};

/* Borrowed. */
struct nearest {
    const float *vectors; /* [n][NEAREST_DIMS] */
    const uint8_t *codes; /* of the vectors */
    struct codes_bounds bounds;
    uint32_t n;
};

/* One user of several who are served in one pass. */
struct nearest_user {
    float vector[NEAREST_DIMS];
    struct best best; /* max 0 = he is passed over */
    /* nearest_find's own: */
    uint16_t bit; /* of the masks */
    struct codes_query query;
    int32_t least;                            /* sum of who may be one of his best */
    uint32_t due[NEAREST_BLOCK * CODES_TILE]; /* items to be scored, on their way from memory */
    size_t due_n;
};

/* nearest_score is an item's score: products in doubles, every eighth one added up, then those sums by pairs:
 * the same bits on every machine. */
double nearest_score(const struct nearest *s, uint32_t item, const float vector[NEAREST_DIMS]);

/* nearest_find offers each user's best items to his best: none with bit u of masked[item] for user u. */
void nearest_find(const struct nearest *s, struct nearest_user *users, size_t users_n,
                  const uint16_t *masked);

#endif
