/* The order of ids among equals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/item_order.h"

#define BYTES(literal) ((struct str){literal, sizeof(literal) - 1})

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void order(void **state)
{
    (void)state;
    /* ascending */
    const struct str rows[] = {
        BYTES("0"),
        BYTES("1"),
        BYTES("2"),
        BYTES("9"),
        BYTES("10"),
        BYTES("19"),
        BYTES("100"),
        BYTES("9223372036854775807"),
        BYTES("9223372036854775808"),
        BYTES("18446744073709551616"),
        BYTES("100000000000000000000000000000000000000000"),
        /* not decimal in the one canonical form: by bytes */
        BYTES(""),
        BYTES("+1"),
        BYTES("-1"),
        BYTES("00"),
        BYTES("01"),
        BYTES("01x"),
        BYTES("1 "),
        BYTES("1.0"),
        BYTES("10x"),
        BYTES("1e3"),
        BYTES("1x"),
        BYTES("9x"),
        BYTES("A"),
        BYTES("a"),
        BYTES("a0"),
        BYTES("ab"),
        BYTES("b"),
        BYTES("\xd9\xa1"),
        BYTES("\xff"),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t j = 0; j < COUNT_OF(rows); j++)
            if (sign(item_order_cmp(rows[i], rows[j])) != (i > j) - (i < j))
                fail_msg("\"%.*s\" and \"%.*s\"", STR_ARGS(rows[i]), STR_ARGS(rows[j]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
