/* Documents of MongoDB: members are written as BSON (https://bsonspec.org/spec.html) straight into a buffer, where libbson would
 * copy each in six pieces; and what the stores share: slates, and a query by ids. For *_mongo.c files. */
#ifndef WEIR_IO_DOC_MONGO_H
#define WEIR_IO_DOC_MONGO_H

#include "base/buf.h"
#include "flow/slate.h"

struct _bson_t;

/* Each of these opens a document, a list or an element of a list that is a document, and returns what doc_mongo_end closes it by, the
 * innermost first. The buffer must not overflow: whoever writes bounds what he writes. */
size_t doc_mongo_begin(struct buf *to); /* on its own */
size_t doc_mongo_begin_member(struct buf *to, const char *name);
size_t doc_mongo_begin_list(struct buf *to, const char *name);
size_t doc_mongo_begin_element(struct buf *list, size_t i);
void doc_mongo_end(struct buf *to, size_t begun);

/* Members. Texts are UTF-8 without NUL; those without bytes are empty. */
void doc_mongo_add_text(struct buf *to, const char *name, struct str text);
void doc_mongo_add_int32(struct buf *to, const char *name, int32_t value);
void doc_mongo_add_int64(struct buf *to, const char *name, int64_t value);
void doc_mongo_add_date(struct buf *to, const char *name, int64_t time_ms);
void doc_mongo_add_bool(struct buf *to, const char *name, bool value);
void doc_mongo_add_null(struct buf *to, const char *name);

/* The i-th element of a list: a text, or a document that is BSON already. */
void doc_mongo_add_element(struct buf *list, size_t i, struct str text);
void doc_mongo_add_document(struct buf *list, size_t i, struct str document);

/* doc_mongo_add_slate adds the members items and source. */
void doc_mongo_add_slate(struct buf *to, const struct slate *slate);

/* doc_mongo_text borrows a string of least to most bytes of text; false = it is something else. */
MUST_CHECK bool doc_mongo_text(const void *bson_iter, size_t least, size_t most,
                               struct str *ret_text);

/* doc_mongo_slate reads items and source; NULL = not what Weir writes. The caller frees it. */
struct slate *doc_mongo_slate(const struct _bson_t *document);

/* doc_mongo_in returns {_id: {$in: ids}}; the caller destroys it. */
struct _bson_t *doc_mongo_in(const struct str *ids, size_t n);

#endif
