/* What the fuzz targets share. A target hands bytes to one parser and asserts what holds whatever they are: an assert,
 * a crash, a leak and a complaint of a sanitizer are findings. */
#ifndef WEIR_TESTS_FUZZ_H
#define WEIR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The input, used up from the front. */
struct fuzz {
    const uint8_t *at;
    size_t n;
};

/* fuzz_take takes a number of so many bytes (<= 8), little-endian; what is not there is 0. */
uint64_t fuzz_take(struct fuzz *f, size_t bytes);

/* fuzz_rest is what is left. */
struct str fuzz_rest(const struct fuzz *f);

/* fuzz_exact returns a copy that ends where the bytes end, with a NUL behind if text is set; the caller frees it. */
char *fuzz_exact(struct str bytes, bool text);

/* fuzz_file is the path of a file in memory that holds the bytes, until the next call. */
const char *fuzz_file(struct str bytes);

/* fuzz_put makes a file of the bytes in a folder. */
void fuzz_put(const char *folder, const char *name, struct str bytes);

/* fuzz_sealed appends the checksum that base/wire.h wants. */
void fuzz_sealed(struct buf *out, struct str bytes);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

#endif
