/* What the floors share. A floor is the least that a client of the same library can do for the same work: short, without a
 * check that it could do without. It prints what it did as JSON; whoever starts it measures it. */
#ifndef WEIR_BENCH_FLOOR_H
#define WEIR_BENCH_FLOOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FLOOR_DIE(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))

/* A log in memory. */
struct floor_file {
    const char *at, *end;
};

/* floor_file maps a file; it ends the process when it cannot. */
struct floor_file floor_file(const char *path);

/* floor_line takes the next line, without its newline, off the file; NULL = no more. */
const char *floor_line(struct floor_file *rest, size_t *ret_len);

#endif
