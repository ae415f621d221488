/* A daemon without a process of its own: metrics and nothing else. Stands in for base/daemon.c
 * and base/log.c. */
#ifndef WEIR_TESTS_DAEMON_DOUBLE_H
#define WEIR_TESTS_DAEMON_DOUBLE_H

#include "base/daemon.h"

struct daemon *daemon_double_new(void);
void daemon_double_free(struct daemon *d); /* NULL is fine */

/* What it last said of itself; what its metrics tell, all series of a name added up. */
bool daemon_double_ready(const struct daemon *d);
double daemon_double_told(struct daemon *d, const char *name);

#endif
