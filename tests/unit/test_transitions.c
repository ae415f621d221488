/* Transitions learned and ranked, against sums by brute force over the log itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/item_order.h"
#include "base/mem.h"
#include "fitted.h"

enum { ITEMS = 12, ROWS = 300, USERS = 5, ASKS = 3000, HISTORY = 14 };

struct log {
    struct fitted_row rows[ROWS];
    size_t n;
};

static unsigned seed = 7;

static int dice(int n)
{
    return fitted_dice(&seed, n);
}

/* -- the brute force: places of rows among their user's, pair by pair, in exact fractions -- */

static bool before(const struct log *log, size_t a, size_t b)
{
    if (log->rows[a].time_ms != log->rows[b].time_ms)
        return log->rows[a].time_ms < log->rows[b].time_ms;
    return a < b;
}

static int place(const struct log *log, size_t row)
{
    int n = 0;
    for (size_t i = 0; i < log->n; i++)
        n += strcmp(log->rows[i].user, log->rows[row].user) == 0 && before(log, i, row);
    return n;
}

struct table {
    uint64_t t[ITEMS][ITEMS], sums[ITEMS];
};

static int item_index(const char *name)
{
    char other[8];
    for (int i = 0; i < ITEMS; i++) {
        fitted_name(other, i);
        if (strcmp(name, other) == 0) return i;
    }
    return -1;
}

static void brute_table(const struct log *log, struct table *t)
{
    static const uint64_t weights[] = {0, 100, 70, 49};
    memset(t, 0, sizeof *t);
    int places[ROWS];
    for (size_t i = 0; i < log->n; i++) places[i] = place(log, i);
    for (size_t i = 0; i < log->n; i++) {
        for (size_t j = 0; j < log->n; j++) {
            int distance = places[j] - places[i];
            if (strcmp(log->rows[i].user, log->rows[j].user) != 0 || distance < 1 || distance > 3)
                continue;
            int a = item_index(log->rows[i].item), b = item_index(log->rows[j].item);
            t->t[a][b] += weights[distance];
            t->sums[a] += weights[distance];
        }
    }
}

struct ask {
    int items[HISTORY], items_n, exclude, n_rec;
};

static bool masked(const struct ask *ask, int item)
{
    for (int i = 0; i < ask->items_n; i++)
        if (ask->items[i] == item) return true;
    return item == ask->exclude;
}

static long double brute_score(const struct table *t, const struct ask *ask, int b)
{
    long double score = 0, weight = 1;
    for (int k = 0; k < 10 && k < ask->items_n; k++, weight *= 0.8L) {
        int a = ask->items[ask->items_n - 1 - k];
        score += weight * (long double)t->t[a][b] / (long double)(t->sums[a] + 1000);
    }
    return score;
}

/* Whether a stands before b: equal up to rounding is equal. */
static bool ranks_before(const struct table *t, const struct ask *ask, int a, int b)
{
    long double x = brute_score(t, ask, a), y = brute_score(t, ask, b);
    if (x > y * (1 + 1e-15L)) return true;
    if (y > x * (1 + 1e-15L)) return false;
    char left[8], right[8];
    fitted_name(left, a);
    fitted_name(right, b);
    return item_order_cmp(str_of(left), str_of(right)) < 0;
}

static size_t brute_rank(const struct table *t, const struct ask *ask, int ret_items[ITEMS])
{
    size_t n = 0;
    for (int b = 0; b < ITEMS; b++) {
        if (masked(ask, b) || brute_score(t, ask, b) <= 0) continue;
        size_t at = n++;
        for (; at > 0 && ranks_before(t, ask, b, ret_items[at - 1]); at--)
            ret_items[at] = ret_items[at - 1];
        ret_items[at] = b;
    }
    return n < (size_t)ask->n_rec ? n : (size_t)ask->n_rec;
}

/* -- comparison -- */

static struct ask random_ask(void)
{
    struct ask ask = {
        .items_n = dice(HISTORY + 1), .exclude = dice(2 * ITEMS), .n_rec = 1 + dice(ITEMS)};
    for (int i = 0; i < ask.items_n; i++) ask.items[i] = dice(dice(2) ? 3 : ITEMS);
    return ask;
}

static size_t rank_ask(struct ranker *r, const struct ask *ask,
                       struct best_found ret_found[RANKER_N_MAX])
{
    char names[HISTORY][8], exclude[8];
    struct str items[HISTORY];
    for (int i = 0; i < ask->items_n; i++) {
        fitted_name(names[i], ask->items[i]);
        items[i] = str_of(names[i]);
    }
    fitted_name(exclude, ask->exclude);
    const struct str excluded = str_of(exclude);
    const struct ranker_ask wire = {.items = items,
                                    .items_n = (size_t)ask->items_n,
                                    .exclude = &excluded,
                                    .exclude_n = 1,
                                    .n = ask->n_rec};
    return ranker_rank(r, &wire, ret_found, NULL);
}

static void compare(struct ranker *r, const struct model *m, const struct table *table)
{
    struct ask ask = random_ask();
    int want[ITEMS];
    struct best_found got[RANKER_N_MAX];
    size_t n = brute_rank(table, &ask, want);
    assert_int_equal(rank_ask(r, &ask, got), n);
    for (size_t i = 0; i < n; i++) {
        char name[8];
        fitted_name(name, want[i]);
        assert_true(str_eq(ids_at(&m->ids, got[i].item), str_of(name)));
    }
}

static void random_logs(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        struct log log;
        struct table table;
        /* few rows make many equal scores */
        log.n = (size_t)(2 + dice(round % 2 ? ROWS - 2 : 30));
        fitted_random(log.rows, log.n, USERS, 2 + dice(ITEMS - 1), &seed);
        brute_table(&log, &table);
        struct fitted *f = fitted_new(log.rows, log.n);
        struct model *m = fitted_model(f, &transitions_kind);
        struct ranker *r = ranker_new(m);
        for (int i = 0; i < ASKS / 30; i++) compare(r, m, &table);
        ranker_free(r);
        model_free(m);
        fitted_free(f);
    }
}

static void *copy(const void *at, size_t bytes)
{
    return mem_dup(at, bytes);
}

/* 0.8 * 125 / (S + 10) and 100 / (S + 10) are one score: the rank is the ids'. */
static void equal_by_another_way(void **state)
{
    (void)state;
    static const uint64_t sums[] = {0, 0, 12500, 12500}, row_start[] = {0, 0, 0, 2, 4},
                          text_start[] = {0, 1, 2, 3, 4};
    static const uint32_t to[] = {0, 3, 1, 2}, count[] = {12500 - 10000, 10000, 2000, 12500 - 2000};
    struct model *m = mem_zero(1, sizeof *m);
    m->kind = &transitions_kind;
    m->ids = (struct ids){.n = 4, .start = text_start, .text = "1234"};
    recipe_array(m, 4, copy(sums, sizeof sums));
    recipe_array(m, 5, copy(row_start, sizeof row_start));
    recipe_array(m, 4, copy(to, sizeof to));
    recipe_array(m, 4, copy(count, sizeof count));
    assert_null(transitions_kind.check(m));
    ids_enter(&m->ids);
    fitted_expect(m, "3 4", "", false, 9, "1 2"); /* 4 is the newest: 2 gets 2000, 1 0.8 * 2500 */
    model_free(m);
}

static void cold_and_unknown(void **state)
{
    (void)state;
    struct fitted_row rows[40];
    fitted_random(rows, 40, USERS, ITEMS, &seed);
    struct fitted *f = fitted_new(rows, 40);
    struct model *m = fitted_model(f, &transitions_kind);
    fitted_expect(m, "", "", false, 5, "");
    fitted_expect(m, "nobody saw", "nobody", false, 5, "");
    model_free(m);
    fitted_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_logs),
                                       cmocka_unit_test(equal_by_another_way),
                                       cmocka_unit_test(cold_and_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
