/* Redis in memory: the windows that weir-rank shows, kept as the script in io/sink_redis.c would keep them, and a hot list that
 * the test sets. Stands in for io/{client,sink,hot}_redis.c. Asserts what no publication may ever do: come twice
 * with one version and different contents. */
#ifndef WEIR_TESTS_REDIS_DOUBLE_H
#define WEIR_TESTS_REDIS_DOUBLE_H

#include <stdio.h>

#include "io/sink_redis.h"

void redis_double_open(const char *hot_list); /* "item,item,..." */
void redis_double_close(void);
void redis_double_empty(void); /* loses everything */

/* Who looks at the hot list is not let in. */
void redis_double_refuse(void);

/* Lines "end version events [["item",count],...] current" for each time that a reader would have seen a change. */
void redis_double_changes(FILE *out);

/* Lines "end events [...]" of the windows now there, oldest first; those without events only if current. */
void redis_double_windows(FILE *out);

#endif
