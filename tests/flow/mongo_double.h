/* MongoDB in memory: the collections users and recommendations, written document by document, so that a process can die
 * in the middle of a bulk. Stands in for io/{client,users,recommendations}_mongo.c. */
#ifndef WEIR_TESTS_MONGO_DOUBLE_H
#define WEIR_TESTS_MONGO_DOUBLE_H

#include <stdio.h>

void mongo_double_open(void); /* empty */
void mongo_double_close(void);

/* Lines by user, then by interval end; see tests/flow/expect. */
void mongo_double_recommendations(FILE *out);
void mongo_double_users(FILE *out);
void mongo_double_histories(FILE *out);

/* Somebody deletes all users before the next update; the next recommendations that are looked for are not there. */
void mongo_double_forget_users(void);
void mongo_double_hide_next(void);

/* Asserts that each user's `last` is what his recommendation of that time has shown. */
void mongo_double_check(void);

#endif
