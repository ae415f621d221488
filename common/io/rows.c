#include "io/rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

enum { WINDOW_BYTES = 65536, BUFFER_BYTES = 1 << 20, MARK_BYTES = 3 };

/* The buffer holds the last WINDOW_BYTES before the place as well, for the tail's hash:
 *
 *     |  read already (at least a window of it)  |  next row ... |  free  |
 *     0                                          at              end      BUFFER_BYTES
 */
struct rows {
    struct rows_input input;
    char *buffer; /* own */
    size_t at, end;
    bool eof;
    char *head; /* own; the stream's first bytes, up to a window of them */
    size_t head_n;
    int64_t offset, line; /* of the next row; how many rows came before it */
    size_t
        taken; /* bytes of the row read last, with its newline; the window lies before them, too */
    bool in_long; /* row, which is being passed over */
    char long_row[ROWS_LONG_BYTES + 1];
    struct rows_place long_place; /* where it starts */
};

static void keep_head(struct rows *r, const char *bytes, size_t n)
{
    size_t left = WINDOW_BYTES - r->head_n;
    if (n > left) n = left;
    if (n) memcpy(r->head + r->head_n, bytes, n);
    r->head_n += n;
}

/* Reads more behind `end`; keeps the window before `at`. ROWS_ROW: there is more, or the end. */
static enum rows_next refill(struct rows *r, int64_t wait_ms, struct err *e)
{
    size_t kept = r->at < WINDOW_BYTES ? r->at : WINDOW_BYTES;
    if (r->at > kept) {
        size_t moved = r->at - kept;
        memmove(r->buffer, r->buffer + moved, r->end - moved);
        r->at -= moved;
        r->end -= moved;
    }
    assert(r->end < BUFFER_BYTES);
    char *free_at = r->buffer + r->end;
    ssize_t n = r->input.read(r->input.self, free_at, BUFFER_BYTES - r->end, wait_ms, e);
    if (n < 0) return n == ROWS_NOTHING ? ROWS_LATER : ROWS_FAILED;
    keep_head(r, free_at, (size_t)n);
    r->eof = n == 0;
    r->end += (size_t)n;
    return ROWS_ROW;
}

static bool read_head(struct rows *r, size_t n, struct err *e)
{
    while (r->head_n < n && !r->eof)
        if (refill(r, ROWS_FOREVER, e) != ROWS_ROW) return false;
    return true;
}

static void skip_byte_order_mark(struct rows *r)
{
    if (r->end < MARK_BYTES || memcmp(r->buffer, "\xef\xbb\xbf", MARK_BYTES) != 0) return;
    r->at = MARK_BYTES;
    r->offset = MARK_BYTES;
}

struct rows *rows_new(struct rows_input input, struct err *e)
{
    struct rows *r = mem_zero(1, sizeof *r);
    r->input = input;
    r->buffer = mem_zero(BUFFER_BYTES, 1);
    r->head = mem_zero(WINDOW_BYTES, 1);
    if (read_head(r, MARK_BYTES, e)) return skip_byte_order_mark(r), r;
    rows_free(r);
    return NULL;
}

void rows_free(struct rows *r)
{
    if (!r) return;
    r->input.close(r->input.self);
    free(r->buffer);
    free(r->head);
    free(r);
}

static void pass(struct rows *r, size_t n)
{
    r->at += n;
    r->offset += (int64_t)n;
}

static int64_t next_line(struct rows *r)
{
    int64_t n = r->line++;
    return r->input.lines ? r->input.lines[n] : n + 1;
}

static enum rows_next take(struct rows *r, struct row *ret, size_t len, size_t newline)
{
    *ret = (struct row){{r->buffer + r->at, len}, (int64_t)len, next_line(r)};
    r->taken = len + newline;
    pass(r, r->taken);
    return ROWS_ROW;
}

static size_t clipped(int64_t offset)
{
    return offset < WINDOW_BYTES ? (size_t)offset : WINDOW_BYTES;
}

static struct rows_place place_back(const struct rows *r, size_t back_n)
{
    int64_t offset = r->offset - (int64_t)back_n;
    size_t n = clipped(offset);
    return (struct rows_place){
        .offset = offset,
        .line = r->line - (back_n > 0),
        .head_hash = wire_hash((struct str){r->head, n < r->head_n ? n : r->head_n}),
        .tail_hash = wire_hash((struct str){r->buffer + r->at - back_n - n, n}),
    };
}

struct rows_place rows_place(const struct rows *r)
{
    return r->in_long ? r->long_place : place_back(r, 0);
}

struct rows_place rows_place_before(const struct rows *r)
{
    return place_back(r, r->taken);
}

static void begin_long(struct rows *r)
{
    memcpy(r->long_row, r->buffer + r->at, sizeof r->long_row);
    r->long_place = rows_place(r);
    r->in_long = true;
}

/* A row that is too long to be good is passed over; what is kept of it tells people which one it was. True: at its end. */
static bool pass_long(struct rows *r, const char *newline, struct row *ret)
{
    if (!r->in_long) begin_long(r);
    pass(r, newline ? (size_t)(newline - (r->buffer + r->at)) : r->end - r->at);
    if (!newline && !r->eof) return false;
    r->in_long = false;
    r->taken = 0; /* too long to step back over; nobody waits with a bad row in hand */
    *ret = (struct row){
        {r->long_row, sizeof r->long_row}, r->offset - r->long_place.offset, next_line(r)};
    if (newline) pass(r, 1);
    return true;
}

enum rows_next rows_next_within(struct rows *r, int64_t wait_ms, struct row *ret, struct err *e)
{
    for (;;) {
        size_t left = r->end - r->at;
        const char *newline = left ? memchr(r->buffer + r->at, '\n', left) : NULL;
        size_t len = newline ? (size_t)(newline - (r->buffer + r->at)) : left;
        bool is_long = r->in_long || len > ROWS_LONG_BYTES;
        if (is_long && pass_long(r, newline, ret)) return ROWS_ROW;
        if (!is_long && newline) return take(r, ret, len, 1);
        if (!is_long && r->eof) return left ? take(r, ret, left, 0) : ROWS_END;
        enum rows_next more = refill(r, wait_ms, e);
        if (more != ROWS_ROW) return more;
    }
}

enum rows_next rows_next(struct rows *r, struct row *ret, struct err *e)
{
    return rows_next_within(r, ROWS_FOREVER, ret, e);
}

/* Moves forward by reading, having skipped what can be skipped. Standard input and .gz cannot rewind. */
static bool move_to(struct rows *r, int64_t offset, struct err *e)
{
    int64_t read_n = r->offset + (int64_t)(r->end - r->at);
    bool far = offset - WINDOW_BYTES > read_n && r->input.seek;
    if (far && r->input.seek(r->input.self, offset - WINDOW_BYTES)) {
        r->at = r->end = 0;
        r->offset = offset - WINDOW_BYTES;
        r->eof = false;
    }
    while (r->offset < offset) {
        size_t left = r->end - r->at;
        if (!left && r->eof) return true; /* shorter than it was: the hashes will tell */
        if (!left && refill(r, ROWS_FOREVER, e) != ROWS_ROW) return false;
        left = r->end - r->at;
        int64_t wanted = offset - r->offset;
        pass(r, wanted < (int64_t)left ? (size_t)wanted : left);
    }
    return true;
}

bool rows_resume(struct rows *r, const struct rows_place *place, struct err *e)
{
    if (place->offset <= r->offset) return true;
    if (!read_head(r, clipped(place->offset), e) || !move_to(r, place->offset, e)) return false;
    struct rows_place found = rows_place(r);
    if (found.offset != place->offset || found.head_hash != place->head_hash ||
        found.tail_hash != place->tail_hash)
        return err_refuse(e,
                          "%s: is not what was replayed up to byte %lld (line %lld): it was "
                          "changed or is another file; "
                          "use --restart to begin anew, or another --job",
                          r->input.name, (long long)place->offset, (long long)place->line);
    r->line = place->line;
    return true;
}

bool rows_may_wait(const struct rows *r)
{
    return r->input.may_wait;
}

double rows_share(const struct rows *r)
{
    if (r->input.total_bytes <= 0) return -1;
    double share = (double)r->offset / (double)r->input.total_bytes;
    return share < 1 ? share : 1;
}
