/* A file, plain or .gz, or standard input ("-") as bytes for struct rows. */
#ifndef WEIR_IO_INPUT_GZ_H
#define WEIR_IO_INPUT_GZ_H

#include "io/rows.h"

/* input_gz opens path (lent for the input's life). False with e set if it cannot be opened. */
MUST_CHECK bool input_gz(const char *path, struct rows_input *ret, struct err *e);

#endif
