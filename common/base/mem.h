/* Memory that is there or the process is not: replay recovers what a dead daemon had in hand. */
#ifndef WEIR_BASE_MEM_H
#define WEIR_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* mem_zero returns n zeroed objects of size bytes; the caller frees them with free(). */
void *mem_zero(size_t n, size_t size);

/* mem_resize is realloc for n objects of size bytes; the new part is not zeroed. */
void *mem_resize(void *old, size_t n, size_t size);

/* mem_dup returns a copy of len bytes with a NUL behind them; the caller frees it. */
char *mem_dup(const void *bytes, size_t len);

/* mem_grow makes room for one more object in an array of n (capacity *cap, doubled when full) and
 * returns the array, possibly moved. */
void *mem_grow(void *array, size_t n, size_t *cap, size_t size);

/* mem_printf and mem_vprintf return a formatted string; the caller frees it. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

#endif
