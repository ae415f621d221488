/* The value of one configuration row: from text into a field and back, by the row's type. */
#ifndef WEIR_BASE_VALUE_H
#define WEIR_BASE_VALUE_H

#include "base/config.h"

/* value_read sets a field from text; what a char * field held before is freed. False = not a value of the row's
 * type and range: the field is as it was. Not for CONFIG_PAIRS. */
MUST_CHECK bool value_read(const struct config_row *row, struct str text, void *field);

/* value_write appends the text that value_read would read back; "****" for a secret that is set. */
void value_write(const struct config_row *row, const void *field, struct buf *out);

/* value_describe appends what the row takes: "a duration like 200ms, 10s, 5min, 1h or 7d, up to 1h". */
void value_describe(const struct config_row *row, struct buf *out);

/* value_free releases what the field owns; secrets are wiped. */
void value_free(const struct config_row *row, void *field);

#endif
