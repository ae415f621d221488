#include "fitted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

struct fitted *fitted_new(const struct fitted_row *rows, size_t n)
{
    struct err e = {0};
    struct fitted *f = mem_zero(1, sizeof *f);
    const struct config_part parts[] = {{settings_rows, &f->settings}, {0}};
    assert_true(config_defaults(parts, &e));
    f->pool = sequences_pool_new();
    for (size_t i = 0; i < n; i++) {
        const uint64_t order[2] = {0, i};
        assert_true(sequences_pool_add(f->pool, str_of(rows[i].user), str_of(rows[i].item),
                                       rows[i].time_ms, order, &e));
    }
    f->log = sequences_of(f->pool);
    return f;
}

void fitted_free(struct fitted *f)
{
    const struct config_part parts[] = {{settings_rows, &f->settings}, {0}};
    config_free(parts);
    sequences_finish(&f->log);
    sequences_pool_free(f->pool);
    free(f);
}

struct model *fitted_model(const struct fitted *f, const struct kind *kind)
{
    struct err e = {0};
    struct progress progress = {0};
    const struct recipe r = {&f->log, &f->settings, &progress};
    struct model *m = recipe_find(kind)(&r, &e);
    if (!m) fail_msg("%s", e.text);
    assert_null(model_set(m));
    assert_null(kind->check(m));
    ids_enter(&m->ids);
    return m;
}

int fitted_dice(unsigned *seed, int n)
{
    *seed = *seed * 1103515245u + 12345u;
    return (int)((*seed >> 16) % (unsigned)n);
}

/* 0 to 5 as decimals, 60 and 70, and x1, x2 ... */
void fitted_name(char name[8], int item)
{
    snprintf(name, 8, item < 6 ? "%d" : item < 8 ? "%d0" : "x%d", item < 6 ? item : item - 5);
}

void fitted_random(struct fitted_row *rows, size_t n, int users, int items, unsigned *seed)
{
    for (size_t i = 0; i < n; i++) {
        snprintf(rows[i].user, sizeof rows[i].user, "u%d", fitted_dice(seed, users));
        fitted_name(rows[i].item, fitted_dice(seed, items));
        rows[i].time_ms = fitted_dice(seed, (int)n / 2 + 1);
    }
}

static size_t split(char *text, struct str *ret)
{
    size_t n = 0;
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) ret[n++] = str_of(word);
    return n;
}

void fitted_expect(const struct model *m, const char *items, const char *exclude, bool reconsume,
                   int n, const char *answer)
{
    struct str asked[RANKER_ITEMS_MAX], excluded[RANKER_ITEMS_MAX];
    struct best_found found[RANKER_N_MAX];
    char *copies[] = {mem_dup(items, strlen(items)), mem_dup(exclude, strlen(exclude))};
    struct ranker_ask ask = {.items = asked, .exclude = excluded, .reconsume = reconsume, .n = n};
    ask.items_n = split(copies[0], asked);
    ask.exclude_n = split(copies[1], excluded);
    struct ranker *r = ranker_new(m);
    struct buf got;
    buf_init(&got, 1 << 16);
    for (int again = 0; again < 2; again++) { /* nothing is left of the first time */
        buf_clear(&got);
        size_t found_n = ranker_rank(r, &ask, found, NULL);
        for (size_t i = 0; i < found_n; i++) {
            struct str id = ids_at(&m->ids, found[i].item);
            buf_printf(&got, "%s%.*s", i ? " " : "", STR_ARGS(id));
        }
        if (!str_eq(buf_str(&got), str_of(answer)))
            fail_msg("\"%.*s\" instead of \"%s\"", STR_ARGS(buf_str(&got)), answer);
    }
    buf_finish(&got);
    ranker_free(r);
    free(copies[0]);
    free(copies[1]);
}
