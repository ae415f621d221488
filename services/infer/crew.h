/* Helpers for work that can be shared: threads that take pieces of it until none is left. */
#ifndef WEIR_INFER_CREW_H
#define WEIR_INFER_CREW_H

#include <stddef.h>

struct crew;

/* crew_new starts so many helpers; 0 is fine, and fewer are if the system makes no more threads. */
struct crew *crew_new(size_t helpers_n);
void crew_free(struct crew *c); /* NULL is fine; no work may be left */

/* Does piece i. Runs on several threads at a time. */
typedef void crew_piece(void *ctx, size_t i);

/* crew_share does pieces 0 to n - 1, on the caller's thread and those of idle helpers, and returns when all are done.
 * Safe for all threads. */
void crew_share(struct crew *c, size_t n, crew_piece *piece, void *ctx);

#endif
