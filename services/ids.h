/* The ids of a model's items, numbered in their order (item_order_cmp), so that "ties by id" is ties
 * by number. One file of two arrays: start u64[n+1], and the text in which id i is
 * [start[i], start[i+1]). */
#ifndef WEIR_SERVICES_IDS_H
#define WEIR_SERVICES_IDS_H

#include "base/index.h"
#include "base/str.h"
#include "services/array_file.h"

enum { IDS_MAX_BYTES = 256 /* of one id */ };

#define IDS_UNKNOWN UINT32_MAX /* no item's number */

struct ids {
    uint32_t n;
    uint64_t hash; /* of the file; 0 = not of a file */
    const uint64_t *start;
    const char *text;
    struct array_file file; /* own */
    struct index index;     /* own */
};

/* ids_write adds the file to an opened directory. */
MUST_CHECK bool ids_write(const struct ids *ids, int directory, uint64_t *ret_hash, struct err *e);

/* ids_open maps the file with this hash. NULL, or what is wrong, with nothing to close. */
MUST_CHECK const char *ids_open(struct ids *ids, int directory, uint64_t hash);

void ids_close(struct ids *ids);

/* ids_borrow takes ids from arrays `start` and `text` of a file that stays open. NULL, or what is wrong; to be
 * closed then too. */
MUST_CHECK const char *ids_borrow(struct ids *ids, const struct array_file *f, size_t start,
                                  size_t text);

/* ids_enter makes ids findable that stand in memory; opened and borrowed ones are. */
void ids_enter(struct ids *ids);

/* ids_at borrows the id of an item. */
struct str ids_at(const struct ids *ids, uint32_t item);

/* ids_find gives the number of an id, or IDS_UNKNOWN. */
uint32_t ids_find(const struct ids *ids, struct str id);

#endif
