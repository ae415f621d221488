/* The model file: item-to-item transitions, written by weir-fit, mapped into memory by weir-infer.
 *
 *     header | sums u64[n] | row_start u64[n+1] | text_start u64[n+1] | to u32[e] | count u32[e] | text
 *
 * Items are numbered in the order of their ids (item_order_cmp), so "ties by id" is ties by
 * number. Row a of the table (compressed sparse rows) is to/count[row_start[a] ..
 * row_start[a+1]): count is T[a][to] in hundredths, which are exact for the weights 1, 0.7 and
 * 0.49, and `to` ascends. sums[a] is the sum of the row's counts. The id of item a is
 * text[text_start[a] .. text_start[a+1]). All numbers are little-endian. */
#ifndef WEIR_SERVICES_MODEL_H
#define WEIR_SERVICES_MODEL_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { MODEL_ID_MAX_BYTES = 256 };

/* Arrays are the writer's own, or lie in the mapping of an opened file. */
struct model {
    uint32_t items_n;
    uint64_t edges_n, text_bytes;
    const uint64_t *sums, *row_start, *text_start;
    const uint32_t *to, *count;
    const char *text;
    void *map; /* own; NULL = arrays are somebody else's */
    size_t map_bytes;
};

/* model_write replaces the file at path at once, or leaves it as it was. */
MUST_CHECK bool model_write(const struct model *m, const char *path, struct err *e);

/* model_open maps a file after it has checked every byte: checksum, then structure. Any other
 * file is refused. */
MUST_CHECK bool model_open(struct model *m, const char *path, struct err *e);

void model_close(struct model *m);

/* model_id borrows the id of an item. */
struct str model_id(const struct model *m, uint32_t item);

/* model_find gives the number of an id; false = unknown. */
bool model_find(const struct model *m, struct str id, uint32_t *ret_item);

#endif
