/* The linear algebra of weir-fit. */
#ifndef WEIR_FIT_SOLVE_LAPACK_H
#define WEIR_FIT_SOLVE_LAPACK_H

#include "base/err.h"

/* solve_lapack_invert inverts a symmetric positive definite matrix, n x n (n <= 2^15), in place: the
 * lower triangle by rows is read and written, the rest is left as it was. */
MUST_CHECK bool solve_lapack_invert(double *matrix, int n, struct err *e);

#endif
