/* What is shown: answers of all kinds, filled up from the hot list; and what it was worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recommend/choice.h"

enum { MAX = 16 };

/* "a b c" as items; the text must live as long. */
static size_t items_of(const char *text, struct str items[MAX])
{
    size_t n = 0;
    for (struct str rest = str_of(text); rest.len;) items[n++] = str_cut(&rest, ' ');
    return n;
}

static struct history *consumed_of(const char *text)
{
    struct str items[MAX];
    struct history_entry entries[MAX] = {0};
    size_t n = items_of(text, items);
    for (size_t i = 0; i < n; i++) {
        entries[i].item = items[i];
        entries[i].position.offset = (int64_t)i;
    }
    return history_merge(NULL, entries, n, MAX);
}

struct row {
    const char *answer, *hot, *consumed, *shown, *source; /* hot NULL = not known */
};

static const struct row rows[] = {
    {"a b c", "h i j", "x", "a b c", "model"},
    {"a b c d e", "h", "", "a b c", "model"},
    {"a", "h i j", "x", "a h i", "mixed"},
    {"", "h i j k", "x", "h i j", "hot"},
    {"", "h i", "x", "h i", "hot"},
    {"", "", "x", "", "none"},
    {"", NULL, "x", "", "none"},
    {"a", NULL, "x", "a", "model"},                  /* short, but nothing was added */
    {"x a x y", "y h a i", "x y", "a h i", "mixed"}, /* consumed, and there twice */
    {"a a a", "a h h i", "", "a h i", "mixed"},
    {"x y", "x y", "x y", "", "none"},
};

static void fills_up(const struct row *row)
{
    struct str answer[MAX], hot[MAX], shown[MAX];
    size_t answer_n = items_of(row->answer, answer), shown_n = items_of(row->shown, shown);
    struct slate *list = row->hot ? slate_new(SLATE_HOT, hot, items_of(row->hot, hot)) : NULL;
    struct history *consumed = consumed_of(row->consumed);
    struct slate *slate = choice_slate(&(struct choice){answer, answer_n, list, consumed, 3});
    assert_string_equal(slate_source_name(slate->source), row->source);
    assert_int_equal(slate->n, shown_n);
    for (size_t i = 0; i < shown_n; i++) assert_true(str_eq(slate->items[i], shown[i]));
    free(slate);
    free(consumed);
    free(list);
}

static void shows_the_best_that_there_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) fills_up(&rows[i]);
}

static struct history_entry did(const char *item, const char *behavior, int64_t time_ms)
{
    return (struct history_entry){str_of(item), str_of(behavior), time_ms, {0}};
}

static void rewards_what_was_shown_and_then_consumed(void **state)
{
    (void)state;
    struct err e = {0};
    struct weights w;
    assert_true(weights_parse(&w, "pv:1,cart:2,buy:3", 7, &e));
    const struct str items[] = {str_of("a"), str_of("b")};
    struct slate *shown = slate_new(SLATE_MODEL, items, 2);
    const struct history_entry done[] = {
        did("a", "pv", 100),  did("a", "buy", 101), did("b", NULL, 100), /* 1 + 3 + 7 */
        did("c", "buy", 200),                                            /* not shown */
        did("b", "buy", 99),                                             /* before it was shown */
    };
    assert_int_equal(choice_reward(&w, shown, 100, done, COUNT_OF(done)), 11);
    assert_int_equal(choice_reward(&w, shown, 100, NULL, 0), 0);
    free(shown);
}

static void names_its_source(void **state)
{
    (void)state;
    enum slate_source source;
    for (int i = 0; i < SLATE_SOURCE_N; i++) {
        assert_true(slate_source_of(str_of(slate_source_name((enum slate_source)i)), &source));
        assert_int_equal(source, i);
    }
    assert_false(slate_source_of(str_of("models"), &source));
    assert_false(slate_source_of(str_of(""), &source));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_the_best_that_there_is),
        cmocka_unit_test(rewards_what_was_shown_and_then_consumed),
        cmocka_unit_test(names_its_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
