#include "base/buf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_finish(struct buf *b)
{
    free(b->at);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->overflow = false;
}

static bool reserve(struct buf *b, size_t n)
{
    if (n > b->max - b->len) b->overflow = true;
    if (b->overflow) return false;
    if (b->len + n <= b->cap) return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < b->len + n) cap *= 2;
    b->cap = cap < b->max ? cap : b->max;
    b->at = mem_resize(b->at, b->cap, 1);
    return true;
}

char *buf_extend(struct buf *b, size_t n)
{
    if (!reserve(b, n)) return NULL;
    b->len += n;
    return b->at + b->len - n;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    char *to = n ? buf_extend(b, n) : NULL;
    if (to) memcpy(to, bytes, n);
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.at, s.len);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(format, args);
    va_end(args);
    buf_add(b, text, strlen(text));
    free(text);
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->at ? b->at : "", b->len};
}
