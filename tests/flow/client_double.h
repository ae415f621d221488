/* An inference service and its client: it recommends the first items of its catalogue that the history does not hold, and
 * has no answer for users named "deaf...". Stands in for inference-client/client.c. */
#ifndef WEIR_TESTS_CLIENT_DOUBLE_H
#define WEIR_TESTS_CLIENT_DOUBLE_H

#include <stdbool.h>

/* "item,item,...", lent. Fickle: each client that is made skips one item more at the front. */
void client_double_catalogue(const char *items, bool fickle);

/* So many users named "deaf..." get no answer, and then they do; until the next catalogue, none of them does. */
void client_double_deaf_for(int n);

#endif
