/* The archive in memory, written document by document, so that a process can die in the middle of a batch. Stands in for
 * io/events_mongo.c. */
#ifndef WEIR_TESTS_ARCHIVE_DOUBLE_H
#define WEIR_TESTS_ARCHIVE_DOUBLE_H

#include <stdio.h>

void archive_double_open(void); /* empty */
void archive_double_close(void);

/* Lines in order; see tests/flow/expect. */
void archive_double_events(FILE *out);
void archive_double_consumed(FILE *out);

/* Something else is stored under the id of an event, "1:0:0:0". */
void archive_double_spoil(const char *id);

#endif
