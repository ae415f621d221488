#include "io/input_gz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

enum { BUFFER_BYTES = 256 << 10 };

struct gz {
    const char *path; /* ref in caller */
    gzFile file;      /* reads plain files as they are */
};

static ssize_t read_gz(void *self, char *bytes, size_t n, struct err *e)
{
    struct gz *g = self;
    int got = gzread(g->file, bytes, (unsigned)n), code = Z_OK;
    const char *text = gzerror(g->file, &code);
    if (got > 0 || (got == 0 && (code == Z_OK || code == Z_STREAM_END))) return got;
    err_refuse(e, "%s: cannot be read behind byte %lld: %s", g->path, (long long)gztell(g->file),
               code == Z_ERRNO ? strerror(errno) : text);
    return -1;
}

static bool seek_gz(void *self, int64_t offset)
{
    struct gz *g = self;
    return gzseek(g->file, (z_off_t)offset, SEEK_SET) >= 0;
}

static void close_gz(void *self)
{
    struct gz *g = self;
    gzclose(g->file);
    free(g);
}

/* The size of a plain file; that of a .gz says nothing about what is in it. */
static int64_t plain_size(int fd, const struct stat *s)
{
    unsigned char magic[2] = {0};
    if (!S_ISREG(s->st_mode)) return -1;
    bool gz = pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    return gz ? -1 : s->st_size;
}

bool input_gz(const char *path, struct rows_input *ret, struct err *e)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat s = {0};
    if (fd >= 0 && fstat(fd, &s) == 0 && S_ISDIR(s.st_mode)) errno = EISDIR, close(fd), fd = -1;
    gzFile file = fd < 0 ? NULL : gzdopen(fd, "rb");
    if (!file) {
        if (fd >= 0) close(fd);
        return err_refuse(e, "%s: cannot be opened: %s", path, strerror(errno));
    }
    gzbuffer(file, BUFFER_BYTES);
    struct gz *g = mem_zero(1, sizeof *g);
    *g = (struct gz){path, file};
    *ret = (struct rows_input){
        .name = path,
        .self = g,
        .read = read_gz,
        .seek = seek_gz,
        .close = close_gz,
        .total_bytes = plain_size(fd, &s),
        .may_wait = !S_ISREG(s.st_mode),
    };
    return true;
}
