/* Rows collected in memory and put in order, as bytes for struct rows. */
#ifndef WEIR_REPLAY_INPUT_MEMORY_H
#define WEIR_REPLAY_INPUT_MEMORY_H

#include "io/rows.h"

struct input_memory;

/* input_memory_new holds at most max_bytes of rows. name is lent for the input's life. */
struct input_memory *input_memory_new(const char *name, int64_t max_bytes);
void input_memory_free(struct input_memory *m);

/* input_memory_add adds a row, which came from `line`, to be read in order of (key, order of adding). False with e set
 * (refused) when there is no more room. */
MUST_CHECK bool input_memory_add(struct input_memory *m, int64_t key, int64_t line, struct str row,
                                 struct err *e);

/* input_memory_take sorts the rows and hands m over to the input. */
struct rows_input input_memory_take(struct input_memory *m);

#endif
