/* Commit metadata: a short versioned text "v=1 clock=1511544070000 done=-" of named integers, kept by Kafka beside
 * a group's offset. Less than 256 bytes. */
#ifndef WEIR_FLOW_META_H
#define WEIR_FLOW_META_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/source.h"

/* A daemon lists its fields in order. INT64_MIN is written as "-" (none), INT64_MAX as "+". */
struct meta_field {
    const char *name;
    int64_t *value;
};

/* meta_write fills text with "v=<version>" and the fields; asserts that it fits. */
void meta_write(char text[CHECKPOINT_METADATA_BYTES], int version, const struct meta_field *fields,
                size_t n);

/* meta_read fills the fields from text; anything missing, unknown, out of order, or of another version is
 * refused with what was found. */
MUST_CHECK bool meta_read(const char *text, int version, const struct meta_field *fields, size_t n,
                          struct err *e);

/* meta_refuse is for fields that were read but cannot be: e says that they were changed by hand. Returns false. */
bool meta_refuse(const char *text, struct err *e);

/* meta_find reads one field by name, whatever the version: for tools. False = not there. */
MUST_CHECK bool meta_find(const char *text, const char *name, int64_t *ret_value);

#endif
