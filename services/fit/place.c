#include "fit/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct place place_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *root =
        !slash ? mem_dup(".", 1) : mem_dup(path, slash == path ? 1 : (size_t)(slash - path));
    return (struct place){root, mem_dup(name, strlen(name))};
}

void place_finish(struct place *p)
{
    free(p->root);
    free(p->name);
    *p = (struct place){0};
}
