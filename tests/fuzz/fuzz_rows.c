/* A log, plain or .gz: the rows are what lies between the newlines, and a reader that goes on at any place reads what is
 * left. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "io/input_gz.h"

static struct rows *open_rows(const char *path)
{
    struct err e = {0};
    struct rows_input input;
    return input_gz(path, &input, &e) ? rows_new(input, &e) : NULL;
}

/* The next row of a plain file, found byte by byte. */
static void compare(const struct row *row, struct str file, size_t *start)
{
    size_t end = *start;
    while (end < file.len && file.at[end] != '\n') end++;
    assert(row->full_bytes == (int64_t)(end - *start));
    if (row->full_bytes <= ROWS_LONG_BYTES)
        assert(str_eq(row->bytes, (struct str){file.at + *start, end - *start}));
    *start = end + 1;
}

static void resume(const char *path, struct rows_place place, int64_t left)
{
    struct err e = {0};
    struct row row;
    struct rows *r = open_rows(path);
    bool found = r && rows_resume(r, &place, &e);
    assert(found);
    for (; left; left--) {
        enum rows_next next = rows_next(r, &row, &e);
        assert(next == ROWS_ROW && row.line > place.line);
    }
    rows_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct err e = {0};
    struct row row;
    struct rows_place place;
    struct str file = {(const char *)at, n};
    const char *path = fuzz_file(file);
    bool plain = n < 2 || at[0] != 0x1f || at[1] != 0x8b;
    size_t start = n >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    struct rows *r = open_rows(path);
    if (!r) return 0;
    int64_t read_n = 0, stop = n ? at[n - 1] % 8 : 0;
    place = rows_place(r);
    enum rows_next next;
    for (; (next = rows_next(r, &row, &e)) == ROWS_ROW; read_n++) {
        bool cut = row.full_bytes > ROWS_LONG_BYTES;
        assert(row.bytes.len == (size_t)(cut ? ROWS_LONG_BYTES + 1 : row.full_bytes));
        assert(row.line == read_n + 1);
        if (plain) compare(&row, file, &start);
        if (read_n < stop) place = rows_place(r);
    }
    rows_free(r);
    if (plain) assert(next == ROWS_END && start >= n);
    if (next != ROWS_END) return 0;
    resume(path, place, read_n > stop ? read_n - stop : 0);
    return 0;
}
