/* Reading, splitting and validating a log with the project's reader and decoder, and nothing else; and its floor, which looks
 * for newlines and separators only.
 *
 *     parse FILE          rows and decode of common/io
 *     parse FILE floor    memchr */
#include <string.h>

#include "floor.h"
#include "io/decode.h"
#include "io/input_gz.h"
#include "io/rows.h"

static int64_t decode_all(const char *path)
{
    char columns[] = "user,item,category,behavior,time", separator[] = ",";
    const struct decode_conf conf = {
        .columns = columns, .separator = separator, .time_max_ms = INT64_C(4102444800000)};
    struct err e = {0};
    struct rows_input input;
    struct rows *rows = input_gz(path, &input, &e) ? rows_new(input, &e) : NULL;
    struct decoder *decoder = rows ? decode_new(&conf, &e) : NULL;
    if (!decoder) FLOOR_DIE("parse: %s", e.text);
    const struct record record = {.timestamp_ms = -1};
    struct row row;
    struct event event;
    int64_t good_n = 0;
    while (rows_next(rows, &row, &e) == ROWS_ROW)
        good_n += decode_row(decoder, &record, row.bytes, 0, &event) == DECODE_GOOD;
    decode_free(decoder);
    rows_free(rows);
    return good_n;
}

static int64_t split_all(const char *path)
{
    struct floor_file rest = floor_file(path);
    int64_t row_n = 0;
    size_t len;
    for (const char *line; (line = floor_line(&rest, &len)); row_n++)
        for (const char *at = line, *stop = line + len; at;
             at = memchr(at + 1, ',', (size_t)(stop - at - 1)))
            if (at + 1 == stop) break;
    return row_n;
}

int main(int argc, char **argv)
{
    if (argc < 2) FLOOR_DIE("usage: parse FILE [floor]");
    int64_t n = argc > 2 ? split_all(argv[1]) : decode_all(argv[1]);
    printf("{\"rows\": %lld}\n", (long long)n);
    return 0;
}
