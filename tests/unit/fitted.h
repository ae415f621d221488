/* Models fitted from logs of a few rows, for tests. */
#ifndef WEIR_TESTS_FITTED_H
#define WEIR_TESTS_FITTED_H

#include "fit/recipe.h"
#include "services/ranker.h"

struct fitted_row {
    char user[8], item[8];
    int64_t time_ms;
};

struct fitted {
    struct sequences_pool *pool;
    struct sequences log;
    struct settings settings; /* the defaults, until they are changed */
};

/* fitted_new takes rows in the order of the log. */
struct fitted *fitted_new(const struct fitted_row *rows, size_t n);
void fitted_free(struct fitted *f);

/* fitted_model fits a kind; the caller frees it, before f. */
struct model *fitted_model(const struct fitted *f, const struct kind *kind);

/* fitted_random fills rows: few users, items of both orders, disorder and equal times. */
void fitted_random(struct fitted_row *rows, size_t n, int users, int items, unsigned *seed);
int fitted_dice(unsigned *seed, int n);
void fitted_name(char name[8], int item);

/* fitted_rank asks by name, "a b c", and checks that the answer is "x y". */
void fitted_expect(const struct model *m, const char *items, const char *exclude, bool reconsume,
                   int n, const char *answer);

#endif
