/* Secrets: read from files, wiped when no longer needed. */
#ifndef WEIR_BASE_SECRET_H
#define WEIR_BASE_SECRET_H

#include "base/err.h"

enum { SECRET_MAX_BYTES = 4096 };

/* secret_read returns the first line of a file; the caller frees it with secret_free. A relative path is
 * looked up in $CREDENTIALS_DIRECTORY first. NULL with e set (never with content of the file). */
MUST_CHECK char *secret_read(const char *path, struct err *e);

/* secret_exposed is true when the file that secret_read would read can be read by everybody. */
bool secret_exposed(const char *path);

/* secret_free wipes and frees; NULL is fine. */
void secret_free(char *secret);

#endif
