/* Rows are read the same whatever the input's chunks, and a reader resumes exactly between any two rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/input_gz.h"
#include "replay/input_memory.h"

static char path[] = "/tmp/weir-test-rows-XXXXXX";

static void write_file(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void write_gz(const char *bytes, size_t n)
{
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
}

static struct rows *open_rows(void)
{
    struct err e = {0};
    struct rows_input input;
    assert_true(input_gz(path, &input, &e));
    struct rows *r = rows_new(input, &e);
    assert_non_null(r);
    return r;
}

/* Every row as "line:full_bytes:bytes\n". */
static char *read_all(struct rows *r, struct rows_place *places, size_t *ret_n)
{
    struct buf out;
    struct row row;
    struct err e = {0};
    buf_init(&out, 1 << 24);
    size_t n = 0;
    if (places) places[n] = rows_place(r);
    while (rows_next(r, &row, &e) == ROWS_ROW) {
        buf_printf(&out, "%lld:%lld:", (long long)row.line, (long long)row.full_bytes);
        buf_add_str(&out, row.bytes);
        buf_add(&out, "\n", 1);
        n++;
        if (places) places[n] = rows_place(r);
    }
    assert_int_equal(e.status, ERR_NONE);
    buf_add(&out, "", 1);
    char *text = mem_dup(out.at, out.len);
    buf_finish(&out);
    if (ret_n) *ret_n = n;
    return text;
}

static void check_text(const char *bytes, const char *expected)
{
    write_file(bytes, strlen(bytes));
    struct rows *r = open_rows();
    char *text = read_all(r, NULL, NULL);
    assert_string_equal(text, expected);
    free(text);
    rows_free(r);
}

static void small_files(void **state)
{
    (void)state;
    check_text("", "");
    check_text("\n", "1:0:\n");
    check_text("a", "1:1:a\n");
    check_text("a\nbb\n", "1:1:a\n2:2:bb\n");
    check_text("a\r\n\nb", "1:2:a\r\n2:0:\n3:1:b\n");
    check_text("\xef\xbb\xbfu,i\n\xef\xbb\xbf\n", "1:3:u,i\n2:3:\xef\xbb\xbf\n");
}

enum { LONG_BYTES = 3 << 20 };

static void long_row_is_cut_and_passed_over(void **state)
{
    (void)state;
    char *bytes = mem_zero(LONG_BYTES + 100, 1);
    memset(bytes, 'x', LONG_BYTES);
    strcpy(bytes + LONG_BYTES, "\nnext\n");
    write_file(bytes, LONG_BYTES + 6);
    struct rows *r = open_rows();
    struct row row;
    struct err e = {0};
    assert_int_equal(rows_next(r, &row, &e), ROWS_ROW);
    assert_int_equal(row.bytes.len, ROWS_LONG_BYTES + 1);
    assert_int_equal(row.full_bytes, LONG_BYTES);
    struct rows_place place = rows_place(r);
    assert_int_equal(rows_next(r, &row, &e), ROWS_ROW);
    assert_true(str_eq(row.bytes, str_of("next")));
    assert_int_equal(row.line, 2);
    rows_free(r);
    r = open_rows();
    assert_true(rows_resume(r, &place, &e));
    assert_int_equal(rows_next(r, &row, &e), ROWS_ROW);
    assert_true(str_eq(row.bytes, str_of("next")));
    rows_free(r);
    free(bytes);
}

/* A log larger than all buffers, with rows of all lengths. */
static size_t make_log(char **ret_bytes)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    srand(7);
    for (int i = 0; i < 4000; i++) {
        int len = rand() % 50 == 0 ? rand() % 20000 : rand() % 60;
        for (int k = 0; k < len; k++) buf_add(&b, &"abcdefghij,"[rand() % 11], 1);
        buf_add(&b, "\n", 1);
    }
    *ret_bytes = b.at;
    return b.len;
}

static void check_resume_everywhere(void)
{
    struct rows_place *places = mem_zero(5000, sizeof *places);
    size_t n;
    struct rows *r = open_rows();
    char *whole = read_all(r, places, &n);
    rows_free(r);
    assert_int_equal(n, 4000);
    for (size_t i = 0; i <= n; i += 1 + i % 97) {
        struct err e = {0};
        r = open_rows();
        assert_true(rows_resume(r, &places[i], &e));
        struct rows_place place = rows_place(r);
        assert_memory_equal(&place, &places[i], sizeof place);
        char *rest = read_all(r, NULL, NULL);
        size_t len = strlen(rest);
        assert_string_equal(rest, whole + strlen(whole) - len);
        free(rest);
        rows_free(r);
    }
    free(whole);
    free(places);
}

static void resumes_between_any_two_rows(void **state)
{
    (void)state;
    char *bytes;
    size_t n = make_log(&bytes);
    write_file(bytes, n);
    check_resume_everywhere();
    write_gz(bytes, n);
    check_resume_everywhere();
    free(bytes);
}

static void place_before_is_the_place_then(void **state)
{
    (void)state;
    char *bytes;
    size_t n = make_log(&bytes);
    write_file(bytes, n);
    struct rows *r = open_rows();
    struct row row;
    struct err e = {0};
    for (struct rows_place last = rows_place(r); rows_next(r, &row, &e) == ROWS_ROW;
         last = rows_place(r)) {
        struct rows_place before = rows_place_before(r);
        assert_memory_equal(&before, &last, sizeof last);
    }
    rows_free(r);
    free(bytes);
}

static void refuse_resume(const char *bytes, size_t n, const struct rows_place *place)
{
    struct err e = {0};
    write_file(bytes, n);
    struct rows *r = open_rows();
    assert_false(rows_resume(r, place, &e));
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, "--restart"));
    rows_free(r);
}

static void another_file_is_refused(void **state)
{
    (void)state;
    char *bytes;
    size_t n = make_log(&bytes), read_n;
    write_file(bytes, n);
    struct rows_place *places = mem_zero(5000, sizeof *places);
    struct rows *r = open_rows();
    free(read_all(r, places, &read_n));
    rows_free(r);
    struct rows_place place = places[2000];
    refuse_resume(bytes, (size_t)place.offset - 1, &place); /* shorter */
    bytes[100] ^= 1;                                        /* changed in its head */
    refuse_resume(bytes, n, &place);
    bytes[100] ^= 1;
    bytes[place.offset - 5] ^= 1; /* changed just before the place */
    refuse_resume(bytes, n, &place);
    free(places);
    free(bytes);
}

static void broken_gzip_is_an_error(void **state)
{
    (void)state;
    char *bytes;
    size_t n = make_log(&bytes);
    write_gz(bytes, n);
    assert_int_equal(truncate(path, 1000), 0);
    struct err e = {0};
    struct rows_input input;
    struct row row;
    enum rows_next next = ROWS_FAILED;
    assert_true(input_gz(path, &input, &e));
    struct rows *r = rows_new(input, &e);
    while (r && (next = rows_next(r, &row, &e)) == ROWS_ROW) {
    }
    assert_int_equal(next, ROWS_FAILED);
    assert_int_equal(e.status, ERR_REFUSED);
    rows_free(r);
    free(bytes);
}

/* All of them, in however many calls. */
static void put_all(int end, const char *bytes, size_t n)
{
    while (n) {
        ssize_t sent = write(end, bytes, n);
        assert_true(sent > 0);
        bytes += sent;
        n -= (size_t)sent;
    }
}

/* -> rows of a pipe, which begins with some bytes; *ret_end is where more of them go. */
static struct rows *open_pipe(const char *bytes, size_t n, int *ret_end)
{
    struct err e = {0};
    struct rows_input input;
    int ends[2];
    char name[40];
    assert_int_equal(pipe(ends), 0);
    put_all(ends[1], bytes, n);
    snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
    assert_true(input_gz(name, &input, &e));
    close(ends[0]);
    struct rows *r = rows_new(input, &e);
    assert_non_null(r);
    *ret_end = ends[1];
    return r;
}

/* What a pipe says next: a row, or later. */
static void check_pipe(struct rows *r, enum rows_next expected, const char *row)
{
    struct row found;
    struct err e = {0};
    assert_int_equal(rows_next_within(r, 0, &found, &e), expected);
    if (row) assert_true(str_eq(found.bytes, str_of(row)));
}

static void only_a_pipe_may_keep_its_reader_waiting(void **state)
{
    (void)state;
    int end;
    struct rows *r = open_pipe("abc", 3, &end);
    assert_true(rows_may_wait(r));
    close(end);
    rows_free(r);
    write_gz("a\n", 2);
    r = open_rows();
    assert_false(rows_may_wait(r));
    rows_free(r);
}

static void a_pipe_gives_its_rows_as_they_come(void **state)
{
    (void)state;
    int end;
    struct rows *r = open_pipe("abc\nd", 5, &end);
    check_pipe(r, ROWS_ROW, "abc");
    struct rows_place place = rows_place(r);
    check_pipe(r, ROWS_LATER, NULL);
    struct rows_place now = rows_place(r);
    assert_memory_equal(&now, &place, sizeof now);
    put_all(end, "ef\n\ng", 5);
    check_pipe(r, ROWS_ROW, "def");
    check_pipe(r, ROWS_ROW, "");
    check_pipe(r, ROWS_LATER, NULL);
    close(end);
    check_pipe(r, ROWS_ROW, "g");
    check_pipe(r, ROWS_END, NULL);
    rows_free(r);
}

/* Half of it may be all that comes for a long time: the place is still where it starts. */
static void a_long_row_may_come_in_pieces(void **state)
{
    (void)state;
    static char piece[ROWS_LONG_BYTES / 2];
    memset(piece, 'x', sizeof piece);
    int end;
    struct rows *r = open_pipe("abc\n", 4, &end);
    check_pipe(r, ROWS_ROW, "abc");
    struct rows_place place = rows_place(r);
    for (int i = 0; i < 5; i++) {
        put_all(end, piece, sizeof piece);
        check_pipe(r, ROWS_LATER, NULL);
        struct rows_place now = rows_place(r);
        assert_memory_equal(&now, &place, sizeof now);
    }
    put_all(end, "\nnext\n", 6);
    struct row row;
    struct err e = {0};
    assert_int_equal(rows_next(r, &row, &e), ROWS_ROW);
    assert_int_equal(row.full_bytes, 5 * sizeof piece);
    check_pipe(r, ROWS_ROW, "next");
    assert_int_equal(rows_place(r).line, 3);
    close(end);
    rows_free(r);
}

/* A flushed piece of a .gz is a whole number of rows to whoever inflates it. */
static size_t deflate_piece(z_stream *z, const char *text, int flush, char *out, size_t n)
{
    z->next_in = (Bytef *)(uintptr_t)text;
    z->avail_in = (uInt)strlen(text);
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)n;
    assert_true(deflate(z, flush) != Z_STREAM_ERROR);
    return n - z->avail_out;
}

static void a_gz_in_a_pipe_gives_its_rows_as_they_come(void **state)
{
    (void)state;
    z_stream z = {0};
    char out[200];
    int end;
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t n = deflate_piece(&z, "abc\nd", Z_SYNC_FLUSH, out, sizeof out);
    struct rows *r = open_pipe(out, n, &end);
    check_pipe(r, ROWS_ROW, "abc");
    check_pipe(r, ROWS_LATER, NULL);
    n = deflate_piece(&z, "ef\n", Z_FINISH, out, sizeof out);
    put_all(end, out, n);
    check_pipe(r, ROWS_ROW, "def");
    check_pipe(r, ROWS_LATER, NULL);
    deflateReset(&z);
    n = deflate_piece(&z, "ghi\n", Z_FINISH, out, sizeof out);
    put_all(end, out, 1); /* half of a member's first two bytes */
    check_pipe(r, ROWS_LATER, NULL);
    put_all(end, out + 1, n - 1);
    put_all(end, "rubbish\n", 8);
    check_pipe(r, ROWS_ROW, "ghi");
    check_pipe(r, ROWS_END, NULL);
    deflateEnd(&z);
    close(end);
    rows_free(r);
}

static void memory_sorts_and_keeps_lines(void **state)
{
    (void)state;
    struct err e = {0};
    struct input_memory *m = input_memory_new("memory", 1000);
    const int64_t keys[] = {5, 3, 5, 1, 3};
    const char *const rows[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 5; i++)
        assert_true(input_memory_add(m, keys[i], i + 1, str_of(rows[i]), &e));
    struct rows *r = rows_new(input_memory_take(m), &e);
    char *text = read_all(r, NULL, NULL);
    assert_string_equal(text, "4:1:d\n2:1:b\n5:1:e\n1:1:a\n3:1:c\n");
    free(text);
    rows_free(r);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct err e = {0};
    struct input_memory *m = input_memory_new("memory", 10);
    assert_true(input_memory_add(m, 1, 1, str_of("12345"), &e));
    assert_false(input_memory_add(m, 1, 2, str_of("12345"), &e));
    assert_int_equal(e.status, ERR_REFUSED);
    input_memory_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_files),
        cmocka_unit_test(long_row_is_cut_and_passed_over),
        cmocka_unit_test(resumes_between_any_two_rows),
        cmocka_unit_test(place_before_is_the_place_then),
        cmocka_unit_test(another_file_is_refused),
        cmocka_unit_test(broken_gzip_is_an_error),
        cmocka_unit_test(only_a_pipe_may_keep_its_reader_waiting),
        cmocka_unit_test(a_pipe_gives_its_rows_as_they_come),
        cmocka_unit_test(a_long_row_may_come_in_pieces),
        cmocka_unit_test(a_gz_in_a_pipe_gives_its_rows_as_they_come),
        cmocka_unit_test(memory_sorts_and_keeps_lines),
        cmocka_unit_test(memory_is_bounded),
    };
    int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    int failed = cmocka_run_group_tests_name("rows", tests, NULL, NULL);
    unlink(path);
    return failed;
}
