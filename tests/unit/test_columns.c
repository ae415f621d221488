/* The lists of columns that a log may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/columns.h"

#define TEN "0123456789"
#define SIXTY_THREE TEN TEN TEN TEN TEN TEN "012"
#define FIVE ",-,-,-,-,-"

static void good_lists(void **state)
{
    (void)state;
    const struct {
        const char *spec;
        int n, user, item, time, behavior;
        const char *kept; /* one letter per column */
    } rows[] = {
        {"user,item,category,behavior,time", 5, 0, 1, 4, 3, "nnynn"},
        {"time,user,item", 3, 1, 2, 0, -1, "nnn"},
        {" user ,\titem, time ", 3, 0, 1, 2, -1, "nnn"},
        {"user,-,item,-,time", 5, 0, 2, 4, -1, "nnnnn"},
        {"user,item,time,User,\xe5\x95\x86\xe5\x93\x81,a b", 6, 0, 1, 2, -1, "nnnyyy"},
        {"user,item,time," SIXTY_THREE, 4, 0, 1, 2, -1, "nnny"},
        {"user,item,time,-,-,-,-" FIVE FIVE FIVE FIVE FIVE, 32, 0, 1, 2, -1, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct columns c;
        struct err e = {0};
        if (!columns_parse(&c, rows[i].spec, &e)) fail_msg("%s: %s", rows[i].spec, e.text);
        assert_int_equal(c.n, rows[i].n);
        assert_int_equal(c.user, rows[i].user);
        assert_int_equal(c.item, rows[i].item);
        assert_int_equal(c.time, rows[i].time);
        assert_int_equal(c.behavior, rows[i].behavior);
        for (int j = 0; rows[i].kept && j < c.n; j++)
            assert_int_equal(columns_kept(&c, j), rows[i].kept[j] == 'y');
    }
}

static void bad_lists(void **state)
{
    (void)state;
    static const char *const specs[] = {
        "",
        ",",
        "user,item",
        "user,time",
        "item,time",
        "user,item,time,",
        "user,,item,time",
        "user,item,time,user",
        "user,item,time,a,a",
        "user,item,time,_id",
        "user,item,time,a.b",
        "user,item,time,$a",
        "user,item,time,a$",
        "user,item,time,\xff",
        "user,item,time,a\tb",
        "user,item,time," SIXTY_THREE "3",
        "user,item,time,-,-,-,-,-" FIVE FIVE FIVE FIVE FIVE,
    };
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        struct columns c;
        struct err e = {0};
        if (columns_parse(&c, specs[i], &e)) fail_msg("\"%s\" is taken", specs[i]);
        assert_int_equal(e.status, ERR_REFUSED);
        assert_int_equal(strncmp(e.text, "columns: ", 9), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_lists), cmocka_unit_test(bad_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
