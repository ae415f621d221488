/* Coalescing: one entry per user and item, from its first to its last time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flow/consumed.h"

static void add(struct consumed *c, const char *user, const char *item, int64_t time_ms)
{
    consumed_add(c,
                 &(struct event){.user = str_of(user), .item = str_of(item), .time_ms = time_ms});
}

static bool find(const struct consumed *c, const char *user, const char *item,
                 struct consumed_entry *ret_entry)
{
    for (size_t cursor = 0; consumed_next(c, &cursor, ret_entry);)
        if (str_eq(ret_entry->user, str_of(user)) && str_eq(ret_entry->item, str_of(item)))
            return true;
    return false;
}

static void a_pair_spans_its_events(void **state)
{
    (void)state;
    struct consumed c;
    struct consumed_entry entry;
    consumed_init(&c);
    add(&c, "ann", "apple", 50);
    add(&c, "ann", "apple", -20);
    add(&c, "bob", "apple", 7);
    add(&c, "ann", "apple", 90);
    add(&c, "ann", "pear", 1);
    assert_int_equal(c.index.n, 3);
    assert_true(find(&c, "ann", "apple", &entry));
    assert_int_equal(entry.span.first_ms, -20);
    assert_int_equal(entry.span.last_ms, 90);
    assert_true(str_eq(entry.key, str_of("ann\x1f"
                                         "apple")));
    assert_true(find(&c, "bob", "apple", &entry));
    assert_int_equal(entry.span.first_ms, 7);
    assert_int_equal(entry.span.last_ms, 7);
    consumed_finish(&c);
}

static void borders_of_ids_matter(void **state)
{
    (void)state;
    struct consumed c;
    struct consumed_entry entry;
    consumed_init(&c);
    add(&c, "1", "23", 1);
    add(&c, "12", "3", 2);
    assert_int_equal(c.index.n, 2);
    assert_true(find(&c, "1", "23", &entry) && find(&c, "12", "3", &entry));
    consumed_finish(&c);
}

static void a_cleared_batch_starts_afresh(void **state)
{
    (void)state;
    struct consumed c;
    struct consumed_entry entry;
    consumed_init(&c);
    for (int i = 0; i < 1000; i++) {
        char item[16];
        snprintf(item, sizeof item, "%d", i);
        add(&c, "ann", item, i);
    }
    assert_int_equal(c.index.n, 1000);
    consumed_clear(&c);
    assert_int_equal(c.index.n, 0);
    add(&c, "ann", "5", 100);
    assert_true(find(&c, "ann", "5", &entry));
    assert_int_equal(entry.span.first_ms, 100);
    consumed_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_spans_its_events),
        cmocka_unit_test(borders_of_ids_matter),
        cmocka_unit_test(a_cleared_batch_starts_afresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
