/* The circuit breaker, against a table of what happens and what it must say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "inference-client/breaker.h"

enum act { ADMITS, REFUSES, GOOD, BAD, FORGET };

static void play(void **state)
{
    (void)state;
    static const struct {
        int64_t at_ms;
        enum act act;
    } steps[] = {
        {0, ADMITS},    {0, BAD},       {1, ADMITS},    {1, BAD},
        {2, ADMITS},    {2, GOOD}, /* not in a row */
        {3, ADMITS},    {3, BAD},       {3, BAD},       {4, ADMITS},
        {4, BAD},                                                       /* three: open */
        {4, REFUSES},   {103, REFUSES}, {104, ADMITS},  {104, REFUSES}, /* one probe */
        {110, BAD},     {111, REFUSES}, {209, REFUSES}, {210, ADMITS},
        {210, REFUSES}, /* open again */
        {215, FORGET},  {216, ADMITS},  {217, GOOD},    {217, ADMITS},
        {217, ADMITS}, /* closed */
        {218, BAD},     {218, BAD},     {218, ADMITS},  {218, BAD},
        {218, REFUSES},
    };
    struct breaker b = {.failures_max = 3, .pause_ms = 100};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        int64_t now_ms = steps[i].at_ms;
        switch (steps[i].act) {
        case ADMITS: assert_true(breaker_admits(&b, now_ms)); break;
        case REFUSES:
            assert_false(breaker_admits(&b, now_ms));
            assert_true(breaker_open(&b));
            break;
        case GOOD: breaker_good(&b); break;
        case BAD: breaker_bad(&b, now_ms); break;
        case FORGET: breaker_forget(&b); break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(play)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
