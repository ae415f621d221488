#include "base/key.h"

#include <stdlib.h>

#include "base/mem.h"

struct key key_copy(struct str text)
{
    struct key k = {.len = (uint32_t)text.len};
    const char *copy = text.len > KEY_NEAR_BYTES ? mem_dup(text.at, text.len) : NULL;
    if (copy)
        memcpy(k.bytes, &copy, sizeof copy);
    else if (text.len)
        memcpy(k.bytes, text.at, text.len);
    return k;
}

void key_finish(struct key *k)
{
    if (k->len > KEY_NEAR_BYTES) free((char *)(uintptr_t)key_str(k).at);
    k->len = 0;
}
