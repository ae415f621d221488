/* Another input's rows, sorted by event time (stable), as bytes for struct rows. */
#ifndef WEIR_REPLAY_INPUT_SORTED_H
#define WEIR_REPLAY_INPUT_SORTED_H

#include "io/decode.h"
#include "io/rows.h"

/* input_sorted reads all of *input into memory (refused beyond max_bytes), closes it and puts the sorted one in its
 * place. Bad rows stay behind the row that they followed. */
MUST_CHECK bool input_sorted(struct rows_input *input, struct decoder *decoder, bool header,
                             int64_t max_bytes, struct err *e);

#endif
