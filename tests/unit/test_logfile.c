/* Lines of plain and compressed files: the same ones, however the file ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "fit/logfile.h"
#include "io/decode.h"

static char path[] = "/tmp/weir-logfile-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void put_file(const char *bytes, size_t n, const char *mode)
{
    gzFile f = gzopen(path, mode);
    assert_int_equal(gzwrite(f, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
}

/* All lines, each with a '|' behind it. */
static void expect(const char *lines)
{
    struct err e = {0};
    struct buf b;
    struct str line;
    buf_init(&b, 10000);
    struct logfile *l = logfile_new(path, &e);
    assert_non_null(l);
    while (logfile_next(l, &line, &e)) buf_printf(&b, "%.*s|", STR_ARGS(line));
    assert_int_equal(e.status, ERR_NONE);
    assert_true(str_eq(buf_str(&b), str_of(lines)));
    logfile_free(l);
    buf_finish(&b);
}

static void both_ways(const char *bytes, const char *lines)
{
    put_file(bytes, strlen(bytes), "wbT");
    expect(lines);
    put_file(bytes, strlen(bytes), "wb");
    expect(lines);
}

static void lines(void **state)
{
    (void)state;
    both_ways("", "");
    both_ways("a\nb\n", "a|b|");
    both_ways("a\nb", "a|b|");
    both_ways("\n\na\r\n", "||a\r|");
    both_ways("\xef\xbb\xbf"
              "a\n\xef\xbb\xbf"
              "b\n",
              "a|\xef\xbb\xbf"
              "b|");
}

static void long_lines(void **state)
{
    (void)state;
    size_t n = 3 << 18; /* over several blocks */
    char *bytes = malloc(n);
    memset(bytes, 'x', n);
    bytes[n - 3] = '\n';
    bytes[n - 1] = '\n';
    put_file(bytes, n, "wb");
    struct err e = {0};
    struct str line;
    struct logfile *l = logfile_new(path, &e);
    assert_true(logfile_next(l, &line, &e));
    assert_int_equal(line.len, DECODE_ROW_MAX_BYTES + 1);
    assert_true(logfile_next(l, &line, &e));
    assert_true(str_eq(line, str_of("x")));
    assert_false(logfile_next(l, &line, &e));
    logfile_free(l);
    free(bytes);
}

static void cut_short(void **state)
{
    (void)state;
    struct err e = {0};
    struct str line;
    put_file("a\nb\nc\n", 6, "wb");
    assert_int_equal(truncate(path, 24), 0);
    struct logfile *l = logfile_new(path, &e);
    while (logfile_next(l, &line, &e)) {
    }
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, path));
    logfile_free(l);
    assert_null(logfile_new("/nowhere/log", &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(long_lines),
                                       cmocka_unit_test(cut_short)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
