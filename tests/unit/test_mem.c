/* Memory helpers, and what happens when there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static void blocks(void **state)
{
    (void)state;
    int *zeroed = mem_zero(100, sizeof *zeroed);
    for (int i = 0; i < 100; i++) assert_int_equal(zeroed[i], 0);
    zeroed[99] = 7;
    zeroed = mem_resize(zeroed, 200, sizeof *zeroed);
    assert_int_equal(zeroed[99], 7);
    free(zeroed);
    void *nothing = mem_zero(0, 0);
    assert_non_null(nothing);
    free(mem_resize(nothing, 0, 8));
}

static void copies(void **state)
{
    (void)state;
    char *copy = mem_dup("a\0b", 3), *empty = mem_dup(NULL, 0), *text = mem_printf("%s-%d", "x", 7);
    assert_memory_equal(copy, "a\0b", 4);
    assert_string_equal(empty, "");
    assert_string_equal(text, "x-7");
    free(copy);
    free(empty);
    free(text);
}

static void growth(void **state)
{
    (void)state;
    int *array = NULL;
    size_t cap = 0;
    for (size_t n = 0; n < 1000; n++) {
        array = mem_grow(array, n, &cap, sizeof *array);
        assert_true(cap > n);
        array[n] = (int)n;
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(array[i], i);
    free(array);
}

/* Sizes that overflow end the process instead of giving less memory. */
static void too_much(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        volatile size_t n = SIZE_MAX / 4 + 2; /* times 4 = 4 */
        mem_resize(NULL, n, 4);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(copies),
        cmocka_unit_test(growth),
        cmocka_unit_test(too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
