/* A byte buffer that grows up to the limit it was born with. */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

/* Past max nothing is added and `overflow` stays set until the next buf_clear: writers go on, and whoever
 * uses the whole checks once. */
struct buf {
    char *at; /* own */
    size_t len, cap, max;
    bool overflow;
};

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b);
void buf_clear(struct buf *b); /* empties, keeps the memory */

/* buf_extend makes n bytes more part of the content, for the caller to fill; NULL past max. */
char *buf_extend(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* buf_str borrows the content; it lives until the next change of the buffer. */
struct str buf_str(const struct buf *b);

#endif
