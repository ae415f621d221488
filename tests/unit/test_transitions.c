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
#include "fit/learn.h"
#include "infer/transitions.h"

enum { ITEMS = 12, ROWS = 300, USERS = 5, ASKS = 3000, HISTORY = 14 };

struct row {
    char user[8], item[8];
    int64_t time_ms;
};

struct log {
    struct row rows[ROWS];
    size_t n;
};

static unsigned seed = 7;

static int dice(int n)
{
    seed = seed * 1103515245u + 12345u;
    return (int)((seed >> 16) % (unsigned)n);
}

/* Item names of both orders: 0..7 as decimals with 10, 20 among them, the rest as text. */
static void name_item(char name[8], int i)
{
    snprintf(name, 8, i < 6 ? "%d" : i < 8 ? "%d0" : "x%d", i < 6 ? i : i - 5);
}

static void fill_log(struct log *log, int rows, int items)
{
    log->n = (size_t)rows;
    for (int i = 0; i < rows; i++) {
        snprintf(log->rows[i].user, 8, "u%d", dice(USERS));
        name_item(log->rows[i].item, dice(items));
        log->rows[i].time_ms = dice(rows / 2 + 1); /* disorder and equal times */
    }
}

static struct model learn_log(struct learn *l, const struct log *log)
{
    struct err e = {0};
    for (size_t i = 0; i < log->n; i++) {
        const struct row *r = &log->rows[i];
        assert_true(learn_add(l, str_of(r->user), str_of(r->item), r->time_ms, &e));
    }
    return learn_model(l);
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
        name_item(other, i);
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
    name_item(left, a);
    name_item(right, b);
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

static size_t rank_ask(struct transitions *t, const struct ask *ask,
                       uint32_t ret_items[TRANSITIONS_N_MAX])
{
    char names[HISTORY][8], exclude[8];
    struct str items[HISTORY];
    for (int i = 0; i < ask->items_n; i++) {
        name_item(names[i], ask->items[i]);
        items[i] = str_of(names[i]);
    }
    name_item(exclude, ask->exclude);
    const struct str excluded = str_of(exclude);
    const struct transitions_ask wire = {items, (size_t)ask->items_n, &excluded, 1, ask->n_rec};
    return transitions_rank(t, &wire, ret_items);
}

static void compare(struct transitions *t, const struct model *m, const struct table *table)
{
    struct ask ask = random_ask();
    int want[ITEMS];
    uint32_t got[TRANSITIONS_N_MAX];
    size_t n = brute_rank(table, &ask, want);
    assert_int_equal(rank_ask(t, &ask, got), n);
    for (size_t i = 0; i < n; i++) {
        char name[8];
        name_item(name, want[i]);
        assert_true(str_eq(model_id(m, got[i]), str_of(name)));
    }
}

static void random_logs(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        struct log log;
        struct table table;
        /* few rows make many equal scores */
        fill_log(&log, 2 + dice(round % 2 ? ROWS - 2 : 30), 2 + dice(ITEMS - 1));
        brute_table(&log, &table);
        struct learn *l = learn_new();
        struct model m = learn_log(l, &log);
        struct transitions *t = transitions_new(&m);
        for (int i = 0; i < ASKS / 30; i++) compare(t, &m, &table);
        transitions_free(t);
        learn_free(l);
    }
}

/* 0.8 * 125 / (S + 10) and 100 / (S + 10) are one score: the rank is the ids'. */
static void equal_by_another_way(void **state)
{
    (void)state;
    static const uint64_t sums[] = {0, 0, 12500, 12500}, row_start[] = {0, 0, 0, 2, 4},
                          text_start[] = {0, 1, 2, 3, 4};
    static const uint32_t to[] = {0, 3, 1, 2}, count[] = {12500 - 10000, 10000, 2000, 12500 - 2000};
    const struct model m = {4, 4, 4, sums, row_start, text_start, to, count, "1234", NULL, 0};
    struct transitions *t = transitions_new(&m);
    const struct str items[] = {str_of("3"),
                                str_of("4")}; /* 4 is the newest: 2 gets 2000, 1 gets 0.8 * 2500 */
    uint32_t got[TRANSITIONS_N_MAX];
    assert_int_equal(transitions_rank(t, &(struct transitions_ask){items, 2, NULL, 0, 9}, got), 2);
    assert_int_equal(got[0], 0);
    assert_int_equal(got[1], 1);
    transitions_free(t);
}

static void cold_and_unknown(void **state)
{
    (void)state;
    struct log log = {.n = 0};
    fill_log(&log, 40, ITEMS);
    struct learn *l = learn_new();
    struct model m = learn_log(l, &log);
    struct transitions *t = transitions_new(&m);
    uint32_t got[TRANSITIONS_N_MAX];
    const struct str unknown[] = {str_of("nobody saw it")};
    assert_int_equal(transitions_rank(t, &(struct transitions_ask){NULL, 0, NULL, 0, 5}, got), 0);
    assert_int_equal(transitions_rank(t, &(struct transitions_ask){unknown, 1, unknown, 1, 5}, got),
                     0);
    transitions_free(t);
    learn_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_logs),
                                       cmocka_unit_test(equal_by_another_way),
                                       cmocka_unit_test(cold_and_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
