/* The rows of a stream of bytes, one after another, with what a later run needs to go on exactly there. */
#ifndef WEIR_IO_ROWS_H
#define WEIR_IO_ROWS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* Where a reader stands: the start of the next row, in bytes of the inflated stream, its line, and hashes of the
 * stream's first 64 KiB and of the 64 KiB before the offset, both clipped to the offset. */
struct rows_place {
    int64_t offset, line;
    uint64_t head_hash, tail_hash;
};

struct row {
    struct str
        bytes; /* without the newline; lent until the next call; cut at ROWS_LONG_BYTES + 1 */
    int64_t full_bytes; /* its whole length */
    int64_t line;       /* in the file, from 1 */
};

enum { ROWS_LONG_BYTES = 65536 };

enum rows_next { ROWS_ROW, ROWS_END, ROWS_LATER, ROWS_FAILED };

enum { ROWS_FOREVER = -1, ROWS_NOTHING = -2 };

/* Where the bytes come from: input_gz, input_sorted, io/feed_kafka. */
struct rows_input {
    const char *name; /* for messages; ref in whoever made the input */
    void *self;
    /* Reads up to n bytes: > 0, 0 at the end, -1 with e set. ROWS_NOTHING: none came within wait_ms, or before a signal did;
     * never with ROWS_FOREVER. */
    ssize_t (*read)(void *self, char *bytes, size_t n, int64_t wait_ms, struct err *e);
    /* Moves forward to an offset without reading; false = cannot, nothing moved. NULL = never can. */
    bool (*seek)(void *self, int64_t offset);
    void (*close)(void *self);
    const int64_t
        *lines; /* the line of each row, if they are not in the order of the file; ref in self */
    int64_t total_bytes; /* -1 if unknown */
    bool may_wait;       /* read waits for whoever writes: a pipe, a terminal */
};

struct rows;

/* rows_new reads an input from its start (a byte order mark there is skipped) and closes it in the end, and on
 * failure. */
MUST_CHECK struct rows *rows_new(struct rows_input input, struct err *e);
void rows_free(struct rows *r); /* NULL is fine */

/* rows_next reads one row. The last one may lack its newline. FAILED: the input cannot be read, e says where. */
MUST_CHECK enum rows_next rows_next(struct rows *r, struct row *ret, struct err *e);

/* The same, but LATER when an input that may wait had nothing more for wait_ms, or a signal came: ask again. */
MUST_CHECK enum rows_next rows_next_within(struct rows *r, int64_t wait_ms, struct row *ret,
                                           struct err *e);

/* rows_place returns where the next row starts; rows_place_before where the one that was read last did. */
struct rows_place rows_place(const struct rows *r);
struct rows_place rows_place_before(const struct rows *r);

/* rows_resume moves a freshly opened reader to a place, and refuses when the bytes before it are not those
 * that were read then. */
MUST_CHECK bool rows_resume(struct rows *r, const struct rows_place *place, struct err *e);

/* rows_may_wait: the next row may be a long time in coming. */
bool rows_may_wait(const struct rows *r);

/* rows_share is how much of the input was read, 0..1, or -1 if its size is unknown. */
double rows_share(const struct rows *r);

#endif
