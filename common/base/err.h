/* What went wrong, in one line for a person, and the exit status that it means for a daemon. */
#ifndef WEIR_BASE_ERR_H
#define WEIR_BASE_ERR_H

#include <stdbool.h>

#include "base/attr.h"

enum err_status {
    ERR_NONE = 0,
    ERR_FAILED = 1,   /* try again: a supervisor restarts the daemon */
    ERR_REFUSED = 78, /* an operator must act first; the text names the remedy */
    ERR_FENCED = 79,  /* another instance has taken over */
};

/* Owned by the caller, zero-initialised, passed down as the last argument. The first error wins:
 * later ones leave it as it is. */
struct err {
    enum err_status status;
    char text[500];
};

/* err_set records a failure that a restart may cure. Returns false, so that callers can `return err_set(...)`. */
bool err_set(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* err_refuse records a failure that only an operator can cure. Returns false. */
bool err_refuse(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* err_fenced records that another instance owns our identity now. Returns false. */
bool err_fenced(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
