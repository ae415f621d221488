/* The records in tests/golden: every stored format as it was written once. For the one file of a test that includes it. */
#ifndef WEIR_TESTS_GOLDEN_H
#define WEIR_TESTS_GOLDEN_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

/* golden_path returns where a record is; the caller frees it. */
static inline char *golden_path(const char *name)
{
    return mem_printf("%s/tests/golden/%s", getenv("WEIR_SOURCE"), name);
}

/* golden_read fills a buffer with a record; the caller finishes it. */
static inline struct buf golden_read(const char *name)
{
    char bytes[4096], *path = golden_path(name);
    struct buf record;
    buf_init(&record, SIZE_MAX);
    FILE *f = fopen(path, "r");
    if (!f) perror(path);
    assert(f);
    buf_add(&record, bytes, fread(bytes, 1, sizeof bytes, f));
    assert(record.len > 0 && record.len < sizeof bytes);
    fclose(f);
    free(path);
    return record;
}

#endif
