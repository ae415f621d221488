/* One user of a wave: planned, refused by a store that knows more, resolved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "recommend/task.h"

enum { K = 3, DUE = 120 };

static struct history_entry did(const char *item, int64_t time_ms, int64_t offset)
{
    return (struct history_entry){str_of(item), str_of("buy"), time_ms, {0, offset, 0}};
}

static struct users_mongo_doc *stored(int64_t rev, int64_t last_ms,
                                      const struct history_entry *rows, size_t n)
{
    const struct str shown[] = {str_of("a"), str_of("b")};
    struct users_mongo_doc *doc = mem_zero(1, sizeof *doc);
    *doc = (struct users_mongo_doc){rev, history_merge(NULL, rows, n, K), last_ms,
                                    slate_new(SLATE_HOT, shown, 2)};
    return doc;
}

/* A task with rows at 101 (item a) and 103 (item c), due at DUE. */
struct fixture {
    struct history_entry rows[2];
    struct rounds_user user;
    struct rounds_bucket bucket;
    struct weights rewards;
    struct task task;
};

static void plan(struct fixture *f, struct users_mongo_doc *doc_take)
{
    struct err e = {0};
    f->rows[0] = did("a", 101, 11);
    f->rows[1] = did("c", 103, 12);
    f->user = (struct rounds_user){.user = str_of("ann"), .rows = f->rows, .n = 2};
    f->bucket.due_ms = DUE;
    assert_true(weights_parse(&f->rewards, "buy:3", 1, &e));
    f->task = (struct task){.due = {NULL, &f->bucket, 0}, .rows = &f->user, .doc = doc_take};
    task_plan(&f->task, K, &f->rewards);
}

static void show(struct task *t)
{
    const struct str items[] = {str_of("z")};
    t->slate = slate_new(SLATE_MODEL, items, 1);
}

static void a_new_user(void **state)
{
    (void)state;
    struct fixture f = {0};
    plan(&f, NULL);
    show(&f.task);
    assert_int_equal(f.task.state, TASK_SERVE);
    assert_int_equal(f.task.history->n, 2);
    assert_false(task_recommendation(&f.task, "m").has_previous);
    struct users_mongo_write w = task_user(&f.task);
    assert_int_equal(w.rev, 0);
    assert_int_equal(w.last_ms, DUE);
    struct users_mongo_doc *doc = task_document(&f.task);
    assert_int_equal(doc->rev, 1);
    assert_int_equal(doc->last_ms, DUE);
    assert_int_equal(doc->last->source, SLATE_MODEL);
    users_mongo_doc_free(doc);
    task_finish(&f.task);
}

static void a_known_user_has_a_reward(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct history_entry before[] = {did("x", 50, 1), did("y", 90, 2)};
    plan(&f, stored(7, 100, before, 2));
    show(&f.task);
    struct recommendations_mongo_doc r = task_recommendation(&f.task, "m");
    assert_true(r.has_previous);
    assert_int_equal(r.previous_ms, 100);
    assert_int_equal(r.previous_reward, 3); /* a was shown and bought */
    assert_int_equal(r.history->n, K);      /* x is too old now */
    assert_true(str_eq(r.history->at[0].item, str_of("y")));
    struct users_mongo_doc *doc = task_document(&f.task);
    assert_int_equal(doc->rev, 8);
    users_mongo_doc_free(doc);
    task_finish(&f.task);
}

static void what_is_done_is_left_alone(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct history_entry ours[] = {did("a", 101, 11), did("c", 103, 12)};
    plan(&f, stored(7, DUE, ours, 2));
    assert_int_equal(f.task.state, TASK_STORED);
    struct users_mongo_doc *doc = task_document(&f.task);
    assert_int_equal(doc->rev, 7);
    users_mongo_doc_free(doc);
    task_finish(&f.task);
}

static void rows_that_moved_are_merged_only(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct history_entry others[] = {did("x", 130, 5)};
    plan(&f, stored(7, DUE + 20, others, 1));
    assert_int_equal(f.task.state, TASK_MERGE);
    struct users_mongo_write w = task_user(&f.task);
    assert_int_equal(w.last_ms, DUE + 20); /* never goes back */
    assert_int_equal(w.history->n, 3);
    struct users_mongo_doc *doc = task_document(&f.task);
    assert_int_equal(doc->rev, 8);
    assert_int_equal(doc->last_ms, DUE + 20);
    users_mongo_doc_free(doc);
    task_finish(&f.task);
}

static void a_refused_write_is_resolved(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct history_entry before[] = {did("y", 90, 2)};
    const struct history_entry both[] = {did("a", 101, 11), did("c", 103, 12), did("w", 104, 1)};
    plan(&f, stored(7, 100, before, 1));
    show(&f.task);
    task_resolve(&f.task, K, stored(8, 100, both + 2, 1)); /* somebody else's row: merge, again */
    assert_int_equal(f.task.state, TASK_SERVE);
    assert_int_equal(task_user(&f.task).rev, 8);
    assert_int_equal(task_user(&f.task).history->n, 3);
    assert_int_equal(f.task.previous_reward, 3);       /* as it was planned and written */
    task_resolve(&f.task, K, stored(9, DUE, both, 3)); /* a twin was first with all of it */
    assert_int_equal(f.task.state, TASK_STORED);
    task_finish(&f.task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_user),
        cmocka_unit_test(a_known_user_has_a_reward),
        cmocka_unit_test(what_is_done_is_left_alone),
        cmocka_unit_test(rows_that_moved_are_merged_only),
        cmocka_unit_test(a_refused_write_is_resolved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
