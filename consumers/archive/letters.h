/* The bad rows of a batch on their way to the dead-letter topic: at least once, key = event id. */
#ifndef WEIR_ARCHIVE_LETTERS_H
#define WEIR_ARCHIVE_LETTERS_H

#include "consumers/input.h"

struct letters;

/* The topic and how to reach it are the input's. */
MUST_CHECK struct letters *letters_new(const struct input_conf *conf, struct metrics *metrics,
                                       struct err *e);
void letters_free(struct letters *l); /* NULL is fine */

/* letters_add copies a bad row into the batch. */
void letters_add(struct letters *l, const char *reason, struct str id, struct str row);

size_t letters_bytes(const struct letters *l);
void letters_clear(struct letters *l); /* forgets the batch */

/* letters_send delivers the batch and keeps it; false = send it again, unless the broker's word is final. */
MUST_CHECK bool letters_send(struct letters *l, bool *ret_again, struct err *e);

#endif
