#include "fit/solve_lapack.h"

/* LAPACK's own names: Cholesky's factor of a matrix, and the inverse of the matrix from its factor
 * (Fortran: by columns, so that our lower triangle is its upper one). */
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
extern void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);

bool solve_lapack_invert(double *matrix, int n, struct err *e)
{
    int info = 0;
    if (n == 0) return true;
    dpotrf_("U", &n, matrix, &n, &info);
    if (info == 0) dpotri_("U", &n, matrix, &n, &info);
    return info == 0 ||
           err_refuse(e, "ease: the matrix cannot be inverted: set a greater ease.ridge");
}
