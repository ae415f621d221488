/* The cache of documents: the newest stay, the one not used for longest goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "recommend/cache.h"

enum { MAX = 3 };

static void put(struct cache *c, const char *user, int64_t rev)
{
    struct users_mongo_doc *doc = mem_zero(1, sizeof *doc);
    doc->rev = rev;
    cache_put(c, str_of(user), doc);
}

/* Takes the document out; 0 = not there. */
static int64_t take(struct cache *c, const char *user)
{
    struct users_mongo_doc *doc = cache_take(c, str_of(user));
    int64_t rev = doc ? doc->rev : 0;
    users_mongo_doc_free(doc);
    return rev;
}

static void keeps_the_newest(void **state)
{
    (void)state;
    struct cache *c = cache_new(MAX);
    put(c, "a", 1);
    put(c, "b", 2);
    put(c, "c", 3);
    put(c, "a", 4); /* again: the newest now, and another document */
    put(c, "d", 5);
    assert_int_equal(take(c, "b"), 0);
    assert_int_equal(take(c, "a"), 4);
    assert_int_equal(take(c, "a"), 0);
    assert_int_equal(take(c, "c"), 3);
    assert_int_equal(take(c, "d"), 5);
    cache_free(c);
}

static void forgets_all(void **state)
{
    (void)state;
    struct cache *c = cache_new(MAX);
    put(c, "a", 1);
    put(c, "b", 2);
    cache_clear(c);
    assert_int_equal(take(c, "a"), 0);
    put(c, "b", 3);
    assert_int_equal(take(c, "b"), 3);
    put(c, "left behind", 4); /* cache_free's */
    cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_newest),
        cmocka_unit_test(forgets_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
