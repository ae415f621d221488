/* .npy files: what numpy writes is read, and nothing else. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "fit/npy_file.h"

#define F4 "{'descr': '<f4', 'fortran_order': False, 'shape': "

/* A file with a head of 118 bytes, as numpy pads it, and so many floats: 0, 1, 2 ... */
static struct buf file_of(const char *dict, size_t floats)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_add(&b, "\x93NUMPY\x01\0\x76\0", 10);
    buf_printf(&b, "%-117s\n", dict);
    for (size_t i = 0; i < floats; i++) buf_add(&b, &(float){(float)i}, sizeof(float));
    return b;
}

static const char *head(const char *dict, size_t floats, struct npy_file_shape *ret)
{
    struct buf b = file_of(dict, floats);
    size_t at;
    const char *wrong = npy_file_head(buf_str(&b), ret, &at);
    if (!wrong) assert_int_equal(at, 128);
    buf_finish(&b);
    return wrong;
}

static void good_heads(void **state)
{
    (void)state;
    struct npy_file_shape s;
    assert_null(head(F4 "(3,), }", 3, &s));
    assert_true(s.rows == 3 && s.columns == 0);
    assert_null(head(F4 "(3, 4), }", 12, &s));
    assert_true(s.rows == 3 && s.columns == 4);
}

static void bad_heads(void **state)
{
    (void)state;
    static const struct {
        const char *dict;
        size_t floats;
    } bad[] = {
        {F4 "(3,), }", 2},
        {F4 "(3,), }", 4},
        {F4 "(3, 0), }", 0},
        {F4 "(3, 4, 1), }", 12},
        {F4 "(), }", 1},
        {F4 "(-3,), }", 3},
        {F4 "(3,)}", 3},
        {F4 "(3,), } x", 3},
        {F4 "(4294967296, 4294967296), }", 0},
        {F4 "(99999999999, 99999999999), }", 0},
        {F4 "(1844674407370955162, 10), }", 4},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", 3},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (3,), }", 3},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", 3},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4), }", 12},
        {"", 0},
    };
    struct npy_file_shape s;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (!head(bad[i].dict, bad[i].floats, &s)) fail_msg("%s is good", bad[i].dict);
}

static void cut_off(void **state)
{
    (void)state;
    struct npy_file_shape s;
    struct buf b = file_of(F4 "(2,), }", 2);
    size_t at;
    for (size_t n = 0; n < b.len; n++)
        assert_non_null(npy_file_head((struct str){b.at, n}, &s, &at));
    b.at[6] = 2; /* format 2.0 */
    assert_non_null(npy_file_head(buf_str(&b), &s, &at));
    buf_finish(&b);
}

static float *read_back(const struct buf *b, struct npy_file_shape want)
{
    char path[] = "/tmp/weir-npy-XXXXXX";
    int fd = mkstemp(path);
    struct err e = {0};
    assert_true(fd >= 0 && write(fd, b->at, b->len) == (ssize_t)b->len);
    close(fd);
    float *at = npy_file_read(path, &want, &e);
    assert_true((at != NULL) == (e.status == ERR_NONE));
    unlink(path);
    return at;
}

static void files(void **state)
{
    (void)state;
    struct buf b = file_of(F4 "(2, 3), }", 6);
    float *at = read_back(&b, (struct npy_file_shape){2, 3});
    assert_non_null(at);
    for (int i = 0; i < 6; i++) assert_true(at[i] == (float)i);
    free(at);
    free(at = read_back(&b, (struct npy_file_shape){0, 3}));
    assert_non_null(at);
    assert_null(read_back(&b, (struct npy_file_shape){3, 2}));
    assert_null(read_back(&b, (struct npy_file_shape){6, 0}));
    memcpy(b.at + b.len - 4, &(float){NAN}, 4);
    assert_null(read_back(&b, (struct npy_file_shape){2, 3}));
    memcpy(b.at + b.len - 4, &(float){-INFINITY}, 4);
    assert_null(read_back(&b, (struct npy_file_shape){2, 3}));
    buf_finish(&b);
}

static void no_file(void **state)
{
    (void)state;
    struct npy_file_shape want = {1, 1};
    struct err e = {0}, e2 = {0};
    assert_null(npy_file_read("/nowhere/x.npy", &want, &e));
    assert_non_null(strstr(e.text, "/nowhere/x.npy"));
    assert_null(npy_file_read("/tmp", &want, &e2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_heads), cmocka_unit_test(bad_heads), cmocka_unit_test(cut_off),
        cmocka_unit_test(files),      cmocka_unit_test(no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
