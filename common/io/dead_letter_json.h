/* A dead letter: {"reason", "source", "bytes", "base64"} as JSON; key = event id or file:line. */
#ifndef WEIR_IO_DEAD_LETTER_JSON_H
#define WEIR_IO_DEAD_LETTER_JSON_H

#include "base/buf.h"

/* dead_letter_json writes the letter for the raw bytes of a bad row into out (cleared first). Rows beyond 64 KiB
 * are cut there and say so ("bytes" holds the full length). */
void dead_letter_json(struct buf *out, const char *reason, struct str source, struct str raw);

#endif
