/* Pieces of documents that the stores share: texts, slates, and a query by ids. For *_mongo.c
 * files. */
#ifndef WEIR_IO_DOC_MONGO_H
#define WEIR_IO_DOC_MONGO_H

#include "flow/slate.h"

struct _bson_t;

/* doc_mongo_add_text appends a member. */
void doc_mongo_add_text(struct _bson_t *to, const char *name, struct str text);

/* doc_mongo_add_element appends the i-th element of an array. */
void doc_mongo_add_element(struct _bson_t *list, size_t i, struct str text);

/* doc_mongo_text borrows a string of least to most bytes of text; false = it is something else. */
MUST_CHECK bool doc_mongo_text(const void *bson_iter, size_t least, size_t most,
                               struct str *ret_text);

/* doc_mongo_add_slate appends the members items and source. */
void doc_mongo_add_slate(struct _bson_t *to, const struct slate *slate);

/* doc_mongo_slate reads them; NULL = not what Weir writes. The caller frees it. */
struct slate *doc_mongo_slate(const struct _bson_t *document);

/* doc_mongo_in returns {_id: {$in: ids}}; the caller destroys it. */
struct _bson_t *doc_mongo_in(const struct str *ids, size_t n);

#endif
