#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (memory) return memory;
    static const char text[] = "level=error comp=mem event=out_of_memory\n";
    fwrite(text, 1, sizeof text - 1, stderr);
    abort();
}

void *mem_zero(size_t n, size_t size)
{
    return must(calloc(n ? n : 1, size ? size : 1));
}

void *mem_resize(void *old, size_t n, size_t size)
{
    return must(reallocarray(old, n ? n : 1, size));
}

char *mem_dup(const void *bytes, size_t len)
{
    char *copy = must(malloc(len + 1));
    if (len) memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

void *mem_grow(void *array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return array;
    *cap = *cap ? *cap * 2 : 16;
    return mem_resize(array, *cap, size);
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(format, args);
    va_end(args);
    return text;
}

char *mem_vprintf(const char *format, va_list args)
{
    char *text;
    int len = vasprintf(&text, format, args);
    return must(len < 0 ? NULL : text);
}
