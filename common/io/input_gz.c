#include "io/input_gz.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

enum { BUFFER_BYTES = 256 << 10, MAGIC_BYTES = 2, ONLY_GZIP = 16 };

static const Bytef magic[MAGIC_BYTES] = {0x1f, 0x8b};

/* START -> PLAIN -> OVER, or START -> MEMBER -> BEHIND -> MEMBER ... -> OVER: what lies behind the last member is ignored, as
 * gzip does. */
enum state { START, PLAIN, MEMBER, BEHIND, OVER };

/* Not a gzFile, which waits until a buffer is full: rows of a pipe are wanted as they come. */
struct gz {
    const char *path; /* ref in caller */
    int fd;           /* own */
    off_t first;      /* where the stream starts in the file; -1 in a pipe */
    int64_t offset;   /* bytes given out */
    enum state state;
    z_stream z; /* its input is what lies in `in` and was not used */
    Bytef in[BUFFER_BYTES];
};

static ssize_t fail(const struct gz *g, const char *text, struct err *e)
{
    err_refuse(e, "%s: cannot be read behind byte %lld: %s", g->path, (long long)g->offset, text);
    return -1;
}

static ssize_t read_within(const struct gz *g, void *bytes, size_t n, int64_t wait_ms,
                           struct err *e)
{
    for (;;) {
        struct pollfd p = {.fd = g->fd, .events = POLLIN};
        int ready = poll(&p, 1, (int)wait_ms);
        ssize_t got = ready > 0 ? read(g->fd, bytes, n) : -1;
        if (got >= 0) return got;
        bool nothing = ready == 0 || errno == EINTR || errno == EAGAIN;
        if (!nothing) return fail(g, strerror(errno), e);
        if (wait_ms >= 0) return ROWS_NOTHING;
    }
}

/* Adds to what is in `in`. */
static ssize_t fill(struct gz *g, int64_t wait_ms, struct err *e)
{
    if (g->z.avail_in) memmove(g->in, g->z.next_in, g->z.avail_in);
    g->z.next_in = g->in;
    ssize_t got = read_within(g, g->in + g->z.avail_in, sizeof g->in - g->z.avail_in, wait_ms, e);
    if (got > 0) g->z.avail_in += (uInt)got;
    return got;
}

/* What begins here? 0, or why that cannot be said yet. */
static ssize_t look(struct gz *g, int64_t wait_ms, struct err *e)
{
    ssize_t got = 1;
    while (got && g->z.avail_in < MAGIC_BYTES)
        if ((got = fill(g, wait_ms, e)) < 0) return got;
    bool member = g->z.avail_in >= MAGIC_BYTES && memcmp(g->z.next_in, magic, MAGIC_BYTES) == 0;
    if (member) inflateReset(&g->z);
    g->state = member ? MEMBER : g->state == START ? PLAIN : OVER;
    return 0;
}

/* 0 = the member's end. */
static ssize_t read_member(struct gz *g, char *bytes, size_t n, int64_t wait_ms, struct err *e)
{
    g->z.next_out = (Bytef *)bytes;
    g->z.avail_out = (uInt)n;
    for (;;) {
        int code = inflate(&g->z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END)
            return fail(g, g->z.msg ? g->z.msg : zError(code), e);
        if (code == Z_STREAM_END) g->state = BEHIND;
        if (g->z.avail_out < n || code == Z_STREAM_END) return (ssize_t)(n - g->z.avail_out);
        ssize_t got = g->z.avail_in ? 1 : fill(g, wait_ms, e);
        if (got == 0) return fail(g, "it ends too early", e);
        if (got < 0) return got;
    }
}

static ssize_t read_plain(struct gz *g, char *bytes, size_t n, int64_t wait_ms, struct err *e)
{
    if (!g->z.avail_in) {
        ssize_t got = read_within(g, bytes, n, wait_ms, e);
        if (got == 0) g->state = OVER;
        return got;
    }
    if (n > g->z.avail_in) n = g->z.avail_in;
    memcpy(bytes, g->z.next_in, n);
    g->z.next_in += n;
    g->z.avail_in -= (uInt)n;
    return (ssize_t)n;
}

/* 0 = what begins next is another matter. */
static ssize_t read_part(struct gz *g, char *bytes, size_t n, int64_t wait_ms, struct err *e)
{
    switch (g->state) {
    case PLAIN: return read_plain(g, bytes, n, wait_ms, e);
    case MEMBER: return read_member(g, bytes, n, wait_ms, e);
    case START:
    case BEHIND: return look(g, wait_ms, e);
    case OVER: break;
    }
    return 0;
}

static ssize_t read_gz(void *self, char *bytes, size_t n, int64_t wait_ms, struct err *e)
{
    struct gz *g = self;
    ssize_t got = 0;
    while (got == 0 && g->state != OVER) got = read_part(g, bytes, n, wait_ms, e);
    if (got > 0) g->offset += got;
    return got;
}

static bool seek_gz(void *self, int64_t offset)
{
    struct gz *g = self;
    if (g->state != PLAIN || g->first < 0 || lseek(g->fd, g->first + offset, SEEK_SET) < 0)
        return false;
    g->z.avail_in = 0;
    g->offset = offset;
    return true;
}

static void close_gz(void *self)
{
    struct gz *g = self;
    inflateEnd(&g->z);
    close(g->fd);
    free(g);
}

/* The size of a plain file; that of a .gz says nothing about what is in it. */
static int64_t plain_size(int fd, const struct stat *s)
{
    Bytef start[MAGIC_BYTES] = {0};
    if (!S_ISREG(s->st_mode)) return -1;
    bool gz =
        pread(fd, start, MAGIC_BYTES, 0) == MAGIC_BYTES && memcmp(start, magic, MAGIC_BYTES) == 0;
    return gz ? -1 : s->st_size;
}

static struct gz *gz_new(const char *path, int fd)
{
    struct gz *g = mem_zero(1, sizeof *g);
    g->path = path;
    g->fd = fd;
    g->first = lseek(fd, 0, SEEK_CUR);
    int code = inflateInit2(&g->z, MAX_WBITS + ONLY_GZIP);
    assert(code == Z_OK);
    return g;
}

bool input_gz(const char *path, struct rows_input *ret, struct err *e)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat s = {0};
    if (fd >= 0 && fstat(fd, &s) == 0 && S_ISDIR(s.st_mode)) errno = EISDIR, close(fd), fd = -1;
    if (fd < 0) return err_refuse(e, "%s: cannot be opened: %s", path, strerror(errno));
    *ret = (struct rows_input){
        .name = path,
        .self = gz_new(path, fd),
        .read = read_gz,
        .seek = seek_gz,
        .close = close_gz,
        .total_bytes = plain_size(fd, &s),
        .may_wait = !S_ISREG(s.st_mode),
    };
    return true;
}
