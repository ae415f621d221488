/* A byte string that is kept where it is used: a short one in place, so that whoever looks at it has it at hand, a long
 * one on the heap. */
#ifndef WEIR_BASE_KEY_H
#define WEIR_BASE_KEY_H

#include <string.h>

#include "base/str.h"

enum { KEY_NEAR_BYTES = 16 };

struct key {
    char bytes[KEY_NEAR_BYTES]; /* the key itself, or a pointer to it (own) */
    uint32_t len;
};

struct key key_copy(struct str text); /* a copy */
void key_finish(struct key *k);

/* key_str borrows the text of a key; it lives as long as the key stays where it is. */
static inline struct str key_str(const struct key *k)
{
    const char *at = k->bytes;
    if (k->len > KEY_NEAR_BYTES) memcpy(&at, k->bytes, sizeof at);
    return (struct str){at, k->len};
}

#endif
