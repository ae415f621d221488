/* The lock that keeps two processes from being the same instance: held until the process ends. */
#ifndef WEIR_BASE_LOCK_H
#define WEIR_BASE_LOCK_H

#include "base/err.h"

/* lock_directory returns where locks live: configured, if it is not empty, else $RUNTIME_DIRECTORY, else
 * $XDG_RUNTIME_DIR/weir, else /tmp/weir-<uid>. The caller frees it. */
char *lock_directory(const char *configured);

/* lock_take makes the directory if it is missing and locks <directory>/<name>.lock. Returns the descriptor that
 * holds the lock; -1 with e set when another process has it (its pid is named) or it cannot be made. */
MUST_CHECK int lock_take(const char *directory, const char *name, struct err *e);

#endif
