/* The users' documents that were used last, as they are stored: never dirty, so any may go at
 * any time. */
#ifndef WEIR_RECOMMEND_CACHE_H
#define WEIR_RECOMMEND_CACHE_H

#include "io/users_mongo.h"

struct cache;

/* cache_new holds up to max documents and then forgets the one that was not used for longest. */
struct cache *cache_new(size_t max);
void cache_free(struct cache *c); /* NULL is fine */

/* cache_take hands a document over and forgets it; NULL = not here. */
struct users_mongo_doc *cache_take(struct cache *c, struct str user);

/* cache_put keeps a document as the newest, instead of any other of that user. */
void cache_put(struct cache *c, struct str user, struct users_mongo_doc *doc_take);

/* cache_clear forgets all: other owners of the partitions may write from now on. */
void cache_clear(struct cache *c);

#endif
