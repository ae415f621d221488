/* The format: numpy.lib.format, "Format Version 1.0". */
#include "fit/npy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "floats are taken as they are");

enum { PREFIX_BYTES = 10, DIGITS_MAX = 12 };

static bool skip(struct str *s, const char *text)
{
    size_t n = strlen(text);
    if (s->len < n || memcmp(s->at, text, n) != 0) return false;
    *s = (struct str){s->at + n, s->len - n};
    return true;
}

static bool number(struct str *s, uint64_t *ret)
{
    size_t n = 0;
    for (*ret = 0; n < s->len && s->at[n] >= '0' && s->at[n] <= '9' && n < DIGITS_MAX; n++)
        *ret = *ret * 10 + (uint64_t)(s->at[n] - '0');
    *s = (struct str){s->at + n, s->len - n};
    return n > 0;
}

/* (3,) or (3, 4) */
static bool shape(struct str *s, struct npy_file_shape *ret)
{
    if (!skip(s, "(") || !number(s, &ret->rows) || !skip(s, ",")) return false;
    if (skip(s, ")")) return true;
    return skip(s, " ") && number(s, &ret->columns) && ret->columns > 0 && skip(s, ")");
}

static bool only_blanks(struct str s)
{
    for (size_t i = 0; i + 1 < s.len; i++)
        if (s.at[i] != ' ') return false;
    return s.len > 0 && s.at[s.len - 1] == '\n';
}

const char *npy_file_head(struct str bytes, struct npy_file_shape *ret, size_t *ret_at)
{
    struct str rest = bytes;
    *ret = (struct npy_file_shape){0};
    if (!skip(&rest, "\x93NUMPY\x01") || bytes.len < PREFIX_BYTES || bytes.at[7] != 0)
        return "it is no .npy file of format 1.0";
    const uint8_t *len = (const uint8_t *)bytes.at + 8;
    *ret_at = PREFIX_BYTES + len[0] + 256 * (size_t)len[1];
    if (*ret_at > bytes.len) return "it is cut off";
    struct str head = {bytes.at + PREFIX_BYTES, *ret_at - PREFIX_BYTES};
    if (!skip(&head, "{'descr': '<f4', 'fortran_order': False, 'shape': "))
        return "it is no float32 in C order and little endian";
    if (!shape(&head, ret) || !skip(&head, ", }") || !only_blanks(head))
        return "it has no shape of one or two dimensions";
    uint64_t floats = ret->rows * (ret->columns ? ret->columns : 1); /* below 10^24 */
    if (ret->columns > UINT32_MAX || ret->rows > UINT32_MAX || floats > UINT32_MAX)
        return "it is too large";
    return bytes.len - *ret_at == floats * sizeof(float) ? NULL
                                                         : "it is not as long as its shape says";
}

static const char *copy(struct str bytes, struct npy_file_shape *want, float **ret)
{
    struct npy_file_shape is;
    size_t at;
    const char *wrong = npy_file_head(bytes, &is, &at);
    if (wrong) return wrong;
    if ((want->rows && is.rows != want->rows) || is.columns != want->columns || is.rows == 0)
        return "it is of another shape";
    uint64_t n = is.rows * (is.columns ? is.columns : 1);
    *ret = mem_zero(n, sizeof **ret);
    memcpy(*ret, bytes.at + at, n * sizeof **ret);
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite((*ret)[i])) return "a number in it is not finite";
    want->rows = is.rows;
    return NULL;
}

static const char *read_map(int fd, struct npy_file_shape *want, float **ret)
{
    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size == 0)
        return "it is empty, or no file";
    void *map = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) return "it cannot be mapped";
    const char *wrong = copy((struct str){map, (size_t)s.st_size}, want, ret);
    munmap(map, (size_t)s.st_size);
    return wrong;
}

float *npy_file_read(const char *path, struct npy_file_shape *want, struct err *e)
{
    float *at = NULL;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const char *wrong = fd < 0 ? strerror(errno) : read_map(fd, want, &at);
    if (fd >= 0) close(fd);
    if (!wrong) return at;
    free(at);
    err_refuse(e, "%s: %s; want numpy.save of a float32 array of %s%llu rows, %llu columns", path,
               wrong, want->rows ? "" : "any, not ", (unsigned long long)want->rows,
               (unsigned long long)want->columns);
    return NULL;
}
