/* Arrays of numpy, as numpy.save writes them: format 1.0, float32, little endian, C order, no other. */
#ifndef WEIR_FIT_NPY_FILE_H
#define WEIR_FIT_NPY_FILE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct npy_file_shape {
    uint64_t rows, columns; /* columns 0 = an array of one dimension */
};

/* npy_file_head reads the head of a file of so many bytes. NULL, or what is wrong (static text). What is
 * good has all its floats, and they begin at *ret_at. */
MUST_CHECK const char *npy_file_head(struct str bytes, struct npy_file_shape *ret, size_t *ret_at);

/* npy_file_read returns the floats of a file of this shape (rows 0 = any), all finite; the caller frees them.
 * NULL with e set. */
MUST_CHECK float *npy_file_read(const char *path, struct npy_file_shape *shape, struct err *e);

#endif
