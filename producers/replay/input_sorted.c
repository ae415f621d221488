#include "replay/input_sorted.h"

#include "replay/input_memory.h"

static bool load(struct input_memory *m, struct rows *rows, struct decoder *decoder, bool header,
                 struct err *e)
{
    struct row row;
    enum rows_next next;
    int64_t time_ms = INT64_MIN;
    while ((next = rows_next(rows, &row, e)) == ROWS_ROW) {
        struct record record = {.timestamp_ms = -1};
        struct event event;
        bool good = decode_row(decoder, &record, row.bytes, 0, &event) == DECODE_GOOD;
        if (good && !(header && row.line == 1)) time_ms = event.time_ms;
        if (!input_memory_add(m, time_ms, row.line, row.bytes, e)) return false;
    }
    return next == ROWS_END;
}

bool input_sorted(struct rows_input *input, struct decoder *decoder, bool header, int64_t max_bytes,
                  struct err *e)
{
    struct input_memory *m = input_memory_new(input->name, max_bytes);
    struct rows *rows = rows_new(*input, e);
    bool loaded = rows && load(m, rows, decoder, header, e);
    rows_free(rows);
    if (!loaded) return input_memory_free(m), false;
    *input = input_memory_take(m);
    return true;
}
