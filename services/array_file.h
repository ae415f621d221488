/* A file of arrays, mapped into memory as it is: the data of a model and its table of ids.
 *
 *     "WEIRARR1" | count u64 | count x (type u64, n u64) | the arrays, each at a multiple of 64
 *
 * All numbers are little-endian, the gaps are 0. The file is called STEM-HASH, after the XXH64 of its
 * bytes: what a name promises is checked when it is opened, another content has another name, and so
 * a file is never changed once it is there. */
#ifndef WEIR_SERVICES_ARRAY_FILE_H
#define WEIR_SERVICES_ARRAY_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { ARRAY_FILE_MAX = 8 };

enum array_file_type {
    ARRAY_FILE_BYTE,
    ARRAY_FILE_U32,
    ARRAY_FILE_U64,
    ARRAY_FILE_F32 /* all finite */
};

struct array_file_array {
    enum array_file_type type;
    uint64_t n;
    const void *at;
};

/* Owns its arrays: in the mapping of an opened file, or one by one from malloc. */
struct array_file {
    struct array_file_array arrays[ARRAY_FILE_MAX];
    size_t arrays_n;
    void *map; /* own; NULL = each array is */
    size_t map_bytes;
};

/* array_file_write adds a file to an opened directory and returns its hash. */
MUST_CHECK bool array_file_write(const struct array_file *f, int directory, const char *stem,
                                 uint64_t *ret_hash, struct err *e);

/* array_file_open maps STEM-HASH after it has checked all that can be said of any arrays: a regular
 * file of this name, its hash, arrays_n arrays of these types that fill it, no float but finite ones.
 * NULL, or what is wrong (static text), with nothing to close. */
MUST_CHECK const char *array_file_open(struct array_file *f, int directory, const char *stem,
                                       uint64_t hash, const enum array_file_type *types,
                                       size_t arrays_n);

void array_file_close(struct array_file *f);

/* array_file_name is STEM-HASH, for the caller's memory. */
enum { ARRAY_FILE_NAME_BYTES = 64 };
const char *array_file_name(const char *stem, uint64_t hash, char name[ARRAY_FILE_NAME_BYTES]);

/* The arrays by number, as what they are. */
const uint32_t *array_file_u32(const struct array_file *f, size_t i);
const uint64_t *array_file_u64(const struct array_file *f, size_t i);
const float *array_file_f32(const struct array_file *f, size_t i);

/* array_file_rows is true if array i holds where each of n rows starts, and where the last one ends:
 * 0, never falling, at last the length of array of. */
bool array_file_rows(const struct array_file *f, size_t i, uint64_t n, size_t of);

/* array_file_below is true if all numbers of array i (u32) are below bound. */
bool array_file_below(const struct array_file *f, size_t i, uint64_t bound);

#endif
