/* Log lines: one write, one line, whatever the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/log.h"

static char line[10000];

static int old_stderr, channel[2];

static int set_up(void **state)
{
    (void)state;
    old_stderr = dup(STDERR_FILENO);
    assert_int_equal(pipe(channel), 0);
    dup2(channel[1], STDERR_FILENO);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dup2(old_stderr, STDERR_FILENO);
    close(old_stderr);
    close(channel[0]);
    close(channel[1]);
    return 0;
}

/* What one write() brought. */
static const char *logged(void)
{
    ssize_t n = read(channel[0], line, sizeof line - 1);
    line[n > 0 ? n : 0] = '\0';
    return line;
}

static void lines(void **state)
{
    (void)state;
    log_info("sink_x", "flush", "n=%d ms=%d", 120, 3);
    assert_string_equal(logged(), "level=info comp=sink_x event=flush n=120 ms=3\n");
    log_warn("a", "b", "text=\"%s\"", "two\nlines\x1b[0m\x7f");
    assert_string_equal(logged(), "level=warn comp=a event=b text=\"two?lines?[0m?\"\n");
    log_error("a", "b", "c=\xe5\x95\x86");
    assert_string_equal(logged(), "level=error comp=a event=b c=\xe5\x95\x86\n");
}

static void long_lines(void **state)
{
    (void)state;
    for (int n = 1900; n < 2200; n++) {
        log_info("a", "b", "%0*d", n, 7);
        const char *got = logged();
        assert_int_equal(strcspn(got, "\n"), strlen(got) - 1);
        assert_true(strlen(got) <= 2048);
        if (n < 2000)
            assert_int_equal(strlen(got), (size_t)n + strlen("level=info comp=a event=b \n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_lines, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
