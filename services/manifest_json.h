/* manifest.json of a model's directory, the last file of a model to be written: what is there before
 * it, or beside it, is no part of the model.
 *
 *     {"format": 1, "kind": "itemknn", "version": "20171203155959-1f2e3d4c",
 *      "data": "XXH64, 16 digits", "ids": "XXH64", "settings": {"decay": 0.9, ...},
 *      "parts": {"ease": 0.5, ...}, "validation": {"hr@10": 0.2, ...}}
 *
 * A blend has parts and neither data nor ids. */
#ifndef WEIR_SERVICES_MANIFEST_JSON_H
#define WEIR_SERVICES_MANIFEST_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    MANIFEST_JSON_NUMBERS_MAX = 16,
    MANIFEST_JSON_NAME_BYTES = 33, /* of a kind, a model, a version, a number: with the NUL */
};

struct manifest_json_number {
    char name[MANIFEST_JSON_NAME_BYTES];
    double value; /* finite */
};

struct manifest_json_numbers {
    struct manifest_json_number at[MANIFEST_JSON_NUMBERS_MAX];
    size_t n;
};

struct manifest_json {
    char kind[MANIFEST_JSON_NAME_BYTES], version[MANIFEST_JSON_NAME_BYTES];
    bool has_data;
    uint64_t data, ids; /* if it has data */
    struct manifest_json_numbers settings, parts, validation;
};

/* manifest_json_name is true for what may name a model: 1 to 32 letters, digits, _ and -. */
bool manifest_json_name(const char *name);

/* manifest_json_read reads it from an opened directory. NULL, or what is wrong (static text). */
MUST_CHECK const char *manifest_json_read(struct manifest_json *m, int directory);

/* manifest_json_write replaces it at once, or leaves it as it was, and sees to it that all that was
 * written to the directory lasts. */
MUST_CHECK bool manifest_json_write(const struct manifest_json *m, int directory, struct err *e);

/* manifest_json_add adds a number; there is room for it. */
void manifest_json_add(struct manifest_json_numbers *n, const char *name, double value);

/* manifest_json_number finds one; NULL = there is none. */
const double *manifest_json_number(const struct manifest_json_numbers *n, const char *name);

#endif
