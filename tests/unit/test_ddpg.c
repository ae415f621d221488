/* "ddpg" against its formula in doubles, and its best against a sort of all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fit/ddpg_fit.h"
#include "fitted.h"
#include "services/ddpg.h"

enum { ITEMS = 300, USERS = 5, D = DDPG_OUT };

/* A trainer's directory, and what is in it; w[out][in]. */
static char folder[] = "/tmp/weir-ddpg-XXXXXX";
static float items[ITEMS][D], users[USERS][D], w1[DDPG_HIDDEN][DDPG_IN], b1[DDPG_HIDDEN],
    w2[DDPG_HIDDEN][DDPG_HIDDEN], b2[DDPG_HIDDEN], w3[D][DDPG_HIDDEN], b3[D];

static FILE *create(const char *name)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    free(path);
    return f;
}

static void put_npy(const char *name, const void *at, int rows, int columns)
{
    char dict[118];
    FILE *f = create(name);
    if (columns)
        snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }",
                 rows, columns);
    else
        snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }",
                 rows);
    fwrite("\x93NUMPY\x01\0\x76\0", 10, 1, f);
    fprintf(f, "%-117s\n", dict);
    fwrite(at, sizeof(float), (size_t)(rows * (columns ? columns : 1)), f);
    fclose(f);
}

static void put_names(const char *name, const char *format, int n)
{
    FILE *f = create(name);
    for (int i = 0; i < n; i++) fprintf(f, format, i), fputc('\n', f);
    fclose(f);
}

static void fill(void *at, size_t bytes, unsigned *seed)
{
    float *to = at;
    for (size_t i = 0; i < bytes / sizeof(float); i++)
        to[i] = (float)(fitted_dice(seed, 2001) - 1000) / 2000;
}

static void put_all(void)
{
    unsigned seed = 7;
    fill(items, sizeof items, &seed), fill(users, sizeof users, &seed);
    fill(w1, sizeof w1, &seed), fill(w2, sizeof w2, &seed), fill(w3, sizeof w3, &seed);
    fill(b1, sizeof b1, &seed), fill(b2, sizeof b2, &seed), fill(b3, sizeof b3, &seed);
    memcpy(items[20], items[3], sizeof items[3]); /* equal scores */
    put_npy("items.npy", items, ITEMS, D), put_npy("users.npy", users, USERS, D);
    put_npy("w1.npy", w1, DDPG_HIDDEN, DDPG_IN), put_npy("b1.npy", b1, DDPG_HIDDEN, 0);
    put_npy("w2.npy", w2, DDPG_HIDDEN, DDPG_HIDDEN), put_npy("b2.npy", b2, DDPG_HIDDEN, 0);
    put_npy("w3.npy", w3, D, DDPG_HIDDEN), put_npy("b3.npy", b3, D, 0);
    put_names("items.txt", "i%d", ITEMS), put_names("users.txt", "u%d", USERS);
}

static struct model *fit(void)
{
    struct err e = {0};
    int64_t time_ms;
    struct model *m = ddpg_fit(folder, &time_ms, &e);
    if (!m) fail_msg("%s", e.text);
    assert_true(time_ms > 0);
    ids_enter(&m->ids);
    ids_enter(&m->users);
    return m;
}

static void expect_refused(const char *why)
{
    struct err e = {0};
    int64_t time_ms;
    assert_null(ddpg_fit(folder, &time_ms, &e));
    if (!strstr(e.text, why)) fail_msg("\"%s\" without \"%s\"", e.text, why);
}

/* -- the formula -- */

static void plain_layer(const float *w, const float *b, const double *in, int in_n, double *out,
                        int out_n, bool relu)
{
    for (int k = 0; k < out_n; k++) {
        out[k] = (double)b[k];
        for (int i = 0; i < in_n; i++) out[k] += (double)w[k * in_n + i] * in[i];
        if (relu && out[k] < 0) out[k] = 0;
    }
}

/* user -1 = unknown; items by row, oldest first, -1 = unknown */
static void plain_vector(int user, const int *asked, int n, double out[D])
{
    double in[DDPG_IN] = {0}, first[DDPG_HIDDEN], second[DDPG_HIDDEN];
    for (int d = 0; d < D && user >= 0; d++) in[d] = (double)users[user][d];
    for (int place = 0; place < 10; place++) {
        int k = n - 10 + place;
        for (int d = 0; d < D && k >= 0 && asked[k] >= 0; d++)
            in[D * (1 + place) + d] = (double)items[asked[k]][d];
    }
    plain_layer(w1[0], b1, in, DDPG_IN, first, DDPG_HIDDEN, true);
    plain_layer(w2[0], b2, first, DDPG_HIDDEN, second, DDPG_HIDDEN, true);
    plain_layer(w3[0], b3, second, DDPG_HIDDEN, out, D, false);
}

static double plain_score(const double vector[D], int item)
{
    double sum = 0;
    for (int d = 0; d < D; d++) sum += vector[d] * (double)items[item][d];
    return sum;
}

/* -- tests -- */

struct question {
    int user, items[14], n, n_rec;
};

static struct question random_question(unsigned *seed)
{
    struct question q = {.user = fitted_dice(seed, USERS + 1) - 1,
                         .n = fitted_dice(seed, 15),
                         .n_rec = 1 + fitted_dice(seed, 40)};
    for (int i = 0; i < q.n; i++) q.items[i] = fitted_dice(seed, ITEMS + 5) - 5;
    return q;
}

static bool has(const struct question *q, int item)
{
    for (int i = 0; i < q->n; i++)
        if (q->items[i] == item) return true;
    return false;
}

/* An item's row in the trainer's file. */
static int row_of(const struct model *m, uint32_t item)
{
    struct str id = ids_at(&m->ids, item);
    return atoi(id.at + 1);
}

/* None is answered that is known, or out of order, and none that scores more is missing. */
static void expect_best(const struct model *m, const struct question *q,
                        const struct ranker_answer *answer)
{
    double vector[D], worst = INFINITY;
    bool answered[ITEMS] = {false}, knows = q->user >= 0;
    for (int i = 0; i < q->n; i++) knows |= q->items[i] >= 0;
    assert_int_equal(answer->n, knows ? q->n_rec : 0);
    plain_vector(q->user, q->items, q->n, vector);
    for (size_t i = 0; i < answer->n; i++) {
        int row = row_of(m, answer->found[i].item);
        double want = plain_score(vector, row);
        assert_true(fabs(answer->found[i].score - want) < 1e-4 * (1 + fabs(want)));
        assert_true(i == 0 || best_worse(&answer->found[i], &answer->found[i - 1]));
        assert_false(has(q, row));
        answered[row] = true;
        worst = answer->found[i].score;
    }
    for (int row = 0; row < ITEMS && knows; row++)
        if (!answered[row] && !has(q, row))
            assert_true(plain_score(vector, row) < worst + 1e-4 * (1 + fabs(worst)));
}

static void like_the_formula(void **state)
{
    (void)state;
    struct model *m = fit();
    struct ranker *r = ranker_new(m);
    unsigned seed = 11;
    for (int round = 0; round < 60; round++) {
        struct question q[RANKER_ASKS_MAX];
        struct ranker_ask asks[RANKER_ASKS_MAX] = {0};
        char names[RANKER_ASKS_MAX][15][8];
        struct str ids[RANKER_ASKS_MAX][15];
        size_t n = 1 + (size_t)fitted_dice(&seed, RANKER_ASKS_MAX);
        for (size_t u = 0; u < n; u++) {
            q[u] = random_question(&seed);
            for (int i = 0; i < q[u].n; i++) {
                snprintf(names[u][i], 8, "i%d", q[u].items[i]);
                ids[u][i] = str_of(names[u][i]);
            }
            snprintf(names[u][14], 8, "u%d", q[u].user);
            asks[u] = (struct ranker_ask){.items = ids[u],
                                          .items_n = (size_t)q[u].n,
                                          .n = q[u].n_rec,
                                          .user = str_of(names[u][14])};
        }
        const struct ranker_answer *answers = ranker_rank_all(r, asks, n);
        for (size_t u = 0; u < n; u++) expect_best(m, &q[u], &answers[u]);
    }
    ranker_free(r);
    model_free(m);
}

static void ties_by_id(void **state)
{
    (void)state;
    struct model *m = fit();
    struct ranker *r = ranker_new(m);
    struct best_found found[RANKER_N_MAX];
    const struct str id = str_of("i7");
    size_t n = ranker_rank(r, &(struct ranker_ask){.items = &id, .items_n = 1, .n = ITEMS - 1},
                           found, NULL),
           at = 0;
    while (at < n && row_of(m, found[at].item) != 3) at++; /* i20 comes before i3 */
    assert_true(at > 0 && at < n && row_of(m, found[at - 1].item) == 20);
    assert_true(found[at].score == found[at - 1].score);
    ranker_free(r);
    model_free(m);
}

static void written_and_read(void **state)
{
    (void)state;
    struct err e = {0};
    struct model *m = fit();
    assert_true(model_write(m, folder, "m", "20200101000000", &e));
    struct model *read = model_open(folder, "m", &e);
    assert_non_null(read);
    assert_null(ranker_try(read));
    for (size_t i = 0; i < m->data.arrays_n; i++)
        assert_int_equal(m->data.arrays[i].n, read->data.arrays[i].n);
    model_free(read);
    model_free(m);
}

/* Damages under a right hash: nothing is looked up beyond what is there, and no item is hidden. */
static void damages(void **state)
{
    (void)state;
    enum { USER_START, USER_TEXT, USERS_, ITEMS_, CODES, BOUNDS, NETWORK };
    struct model *m = fit();
    for (size_t i = USER_START; i <= USER_TEXT; i++) {
        struct err written = {0}, opened = {0};
        m->data.arrays[i].n--;
        assert_true(model_write(m, folder, "damaged", "20200101000000", &written));
        assert_null(model_open(folder, "damaged", &opened));
        assert_non_null(strstr(opened.text, "its ids are out of order"));
        m->data.arrays[i].n++;
    }
    for (size_t i = USERS_; i <= NETWORK; i++) {
        m->data.arrays[i].n--;
        assert_non_null(m->kind->check(m));
        m->data.arrays[i].n++;
    }
    uint8_t *code = (uint8_t *)(uintptr_t)m->data.arrays[CODES].at;
    float *bound = (float *)(uintptr_t)m->data.arrays[BOUNDS].at,
          *weight = (float *)(uintptr_t)m->data.arrays[NETWORK].at;
    code[100] ^= 1;
    assert_non_null(m->kind->check(m));
    code[100] ^= 1;
    bound[0] /= 2;
    assert_non_null(m->kind->check(m));
    bound[0] *= 2;
    float kept = weight[9];
    weight[9] = -1001;
    assert_non_null(m->kind->check(m));
    weight[9] = kept;
    assert_null(m->kind->check(m));
    model_free(m);
}

static void bad_directories(void **state)
{
    (void)state;
    put_names("users.txt", "u%d", USERS + 1);
    expect_refused("users.npy");
    put_names("users.txt", "same", USERS);
    expect_refused("twice");
    put_names("users.txt", "", USERS);
    expect_refused("line 1");
    put_names("users.txt", "u%d", 0);
    expect_refused("users.txt");
    put_names("users.txt", "u%d", USERS);
    put_npy("w2.npy", w2, DDPG_HIDDEN, DDPG_HIDDEN - 1);
    expect_refused("w2.npy");
    put_npy("w2.npy", w2, DDPG_HIDDEN, DDPG_HIDDEN);
    float kept = b1[0];
    b1[0] = 2000;
    put_npy("b1.npy", b1, DDPG_HIDDEN, 0);
    expect_refused("above 1000");
    b1[0] = kept;
    put_npy("b1.npy", b1, DDPG_HIDDEN, 0);
    model_free(fit());
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    put_all();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char *command = mem_printf("rm -r %s", folder);
    int status = system(command);
    free(command);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_the_formula), cmocka_unit_test(ties_by_id),
        cmocka_unit_test(written_and_read), cmocka_unit_test(damages),
        cmocka_unit_test(bad_directories),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
