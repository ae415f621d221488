/* JSON as bytes, for those that need no JSON library: writing strings and ids, and bounding a
 * text before a library may turn it into memory. */
#ifndef WEIR_BASE_JSON_BYTES_H
#define WEIR_BASE_JSON_BYTES_H

#include "base/buf.h"

/* json_bytes_str appends valid UTF-8 as a JSON string. */
void json_bytes_str(struct buf *out, struct str s);

/* json_bytes_id appends an id as services want it: canonical decimals (0|[1-9][0-9]*) below
 * 2^53, which every JSON reader keeps exact, as an integer, all others as a string. The two
 * never mean different ids. */
void json_bytes_id(struct buf *out, struct str id);

/* json_bytes_bounded is true if the text nests at most depth_max levels and has at most
 * values_max values. It promises nothing for malformed text but this bound. */
bool json_bytes_bounded(struct str text, size_t depth_max, size_t values_max);

#endif
