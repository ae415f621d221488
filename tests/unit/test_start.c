/* Where a group begins: the rule against a group in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "consumers/start.h"

enum { P = 4 };

struct group {
    struct source source;
    struct checkpoint committed[P];
    enum commit answer;
    int commits;
    bool store_empty, store_away;
};

static struct group *group_of(struct source *s)
{
    return (struct group *)s;
}

static bool committed(struct source *s, struct checkpoint *parts, size_t n, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < n; i++) parts[i] = group_of(s)->committed[parts[i].partition];
    return true;
}

static enum commit commit(struct source *s, const struct checkpoint *parts, size_t n, struct err *e)
{
    struct group *g = group_of(s);
    if (g->answer == COMMIT_FAILED) err_set(e, "no coordinator");
    if (g->answer != COMMIT_DONE) return g->answer;
    g->commits++;
    for (size_t i = 0; i < n; i++) g->committed[parts[i].partition] = parts[i];
    return COMMIT_DONE;
}

static int64_t first_offset(struct source *s, int32_t partition, struct err *e)
{
    (void)s, (void)e;
    return 1000 + partition;
}

static int32_t partition_n(struct source *s)
{
    (void)s;
    return P;
}

static bool store_is_empty(void *self, bool *ret_empty, struct err *e)
{
    struct group *g = self;
    *ret_empty = g->store_empty;
    return !g->store_away || err_set(e, "no primary");
}

static const struct source_kind kind = {.commit = commit,
                                        .committed = committed,
                                        .first_offset = first_offset,
                                        .partition_n = partition_n};

static struct group group_new(void)
{
    struct group g = {.source = {&kind}, .store_empty = true};
    for (int32_t i = 0; i < P; i++)
        g.committed[i] = (struct checkpoint){.partition = i, .offset = CHECKPOINT_NONE};
    return g;
}

/* Asks for the n partitions from `first` on, with what the group has committed for them. */
static enum start ask(struct group *g, int32_t first, size_t n, struct checkpoint *parts,
                      struct err *e)
{
    const struct start_rule rule = {&g->source, "archive", "v=1", store_is_empty, g};
    *e = (struct err){0};
    for (size_t i = 0; i < n; i++) parts[i] = g->committed[first + (int32_t)i];
    return start_positions(&rule, parts, n, e);
}

static void a_new_group_begins_as_one(void **state)
{
    (void)state;
    struct group g = group_new();
    struct checkpoint low[2], high[2];
    struct err e;
    assert_int_equal(ask(&g, 2, 2, high, &e), START_LATER);
    assert_int_equal(ask(&g, 0, 2, low, &e), START_GO);
    assert_int_equal(g.commits, 1);
    assert_int_equal(ask(&g, 2, 2, high, &e), START_GO);
    assert_int_equal(g.commits, 1);
    for (int32_t i = 0; i < P; i++) assert_int_equal(g.committed[i].offset, 1000 + i);
    assert_int_equal(low[1].offset, 1001);
    assert_int_equal(high[1].offset, 1003);
    assert_string_equal(low[0].metadata, "v=1");
    assert_string_equal(high[0].metadata, "v=1");
}

static void a_known_group_goes_on(void **state)
{
    (void)state;
    struct group g = group_new();
    g.store_empty = false;
    for (int i = 0; i < P; i++) g.committed[i].offset = 50;
    struct checkpoint parts[P];
    struct err e;
    assert_int_equal(ask(&g, 0, P, parts, &e), START_GO);
    assert_int_equal(parts[3].offset, 50);
    assert_int_equal(g.commits, 0);
}

static void added_partitions_begin_at_zero(void **state)
{
    (void)state;
    struct group g = group_new();
    g.store_empty = false;
    g.committed[0].offset = g.committed[1].offset = 50;
    struct checkpoint parts[P];
    struct err e;
    assert_int_equal(ask(&g, 1, 2, parts, &e), START_GO);
    assert_int_equal(parts[0].offset, 50);
    assert_int_equal(parts[1].offset, 0);
    assert_int_equal(g.committed[2].offset, 0);
    assert_int_equal(g.committed[3].offset, CHECKPOINT_NONE); /* its owner's to begin */
}

static void lost_offsets_are_refused(void **state)
{
    (void)state;
    struct group g = group_new();
    g.store_empty = false;
    struct checkpoint parts[P];
    struct err e;
    assert_int_equal(ask(&g, 0, P, parts, &e), START_FAILED);
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, "weir-reset archive"));
    assert_int_equal(g.commits, 0);
}

static void trouble_is_waited_out(void **state)
{
    (void)state;
    struct group g = group_new();
    struct checkpoint parts[P];
    struct err e;
    g.store_away = true;
    assert_int_equal(ask(&g, 0, P, parts, &e), START_LATER);
    g.store_away = false;
    g.answer = COMMIT_REFUSED;
    assert_int_equal(ask(&g, 0, P, parts, &e), START_LATER);
    g.answer = COMMIT_FAILED;
    assert_int_equal(ask(&g, 0, P, parts, &e), START_LATER);
    assert_string_equal(e.text, "no coordinator");
    g.answer = COMMIT_DONE;
    assert_int_equal(ask(&g, 0, P, parts, &e), START_GO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_group_begins_as_one),
        cmocka_unit_test(a_known_group_goes_on),
        cmocka_unit_test(added_partitions_begin_at_zero),
        cmocka_unit_test(lost_offsets_are_refused),
        cmocka_unit_test(trouble_is_waited_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
