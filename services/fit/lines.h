/* The lines of a file, plain or .gz; a byte order mark at its start is skipped. */
#ifndef WEIR_FIT_LINES_H
#define WEIR_FIT_LINES_H

#include "base/err.h"
#include "base/str.h"

struct lines;

/* lines_new opens path ("-" = standard input); NULL with e set when it cannot be read. */
MUST_CHECK struct lines *lines_new(const char *path, struct err *e);
void lines_free(struct lines *l); /* NULL is fine */

/* lines_next lends the next line without its newline until the next call; one longer than the
 * decoder takes is cut behind that length. False at the end, or with e set when the file cannot
 * be read on. */
MUST_CHECK bool lines_next(struct lines *l, struct str *ret_line, struct err *e);

#endif
