/* The formats behind decode.h: each finds the columns of a row. Only for decode*.c. */
#ifndef WEIR_IO_DECODE_FORMATS_H
#define WEIR_IO_DECODE_FORMATS_H

#include "flow/columns.h"

/* decode_csv_split points fields at the row's columns; false unless there are exactly c->n. *ret_plain: for sure all of
 * them are printable ASCII and no longer than any limit. */
bool decode_csv_split(const struct columns *c, char separator, struct str row, struct str *fields,
                      bool *ret_plain);

struct decode_json;

struct decode_json *decode_json_new(void);
void decode_json_free(struct decode_json *j); /* NULL is fine */

/* decode_json_split points fields at the members that the columns name; they live until the next call. Missing or
 * null ones are absent; false unless row is an object with user, item and time. */
bool decode_json_split(struct decode_json *j, const struct columns *c, struct str row,
                       struct str *fields);

#endif
