/* A log file, line by line: plain or .gz; a byte order mark at its start is skipped. */
#ifndef WEIR_FIT_LOGFILE_H
#define WEIR_FIT_LOGFILE_H

#include "base/err.h"
#include "base/str.h"

struct logfile;

/* logfile_new opens path ("-" = standard input); NULL with e set when it cannot be read. */
MUST_CHECK struct logfile *logfile_new(const char *path, struct err *e);
void logfile_free(struct logfile *l); /* NULL is fine */

/* logfile_next lends the next line without its newline until the next call; one longer than the
 * decoder takes is cut behind that length. False at the end, or with e set when the file cannot
 * be read on. */
MUST_CHECK bool logfile_next(struct logfile *l, struct str *ret_line, struct err *e);

#endif
