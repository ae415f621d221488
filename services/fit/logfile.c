#include "fit/logfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/decode.h"

enum { BLOCK_BYTES = 1 << 18 };

struct logfile {
    char *path; /* own */
    gzFile file;
    char block[BLOCK_BYTES];
    struct str rest; /* of the block */
    struct buf line;
};

struct logfile *logfile_new(const char *path, struct err *e)
{
    errno = 0;
    bool standard = strcmp(path, "-") == 0;
    gzFile file = standard ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path, "rb");
    if (!file) {
        err_refuse(e, "%s: cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    gzbuffer(file, BLOCK_BYTES);
    struct logfile *l = mem_zero(1, sizeof *l);
    l->file = file;
    l->path = mem_dup(path, strlen(path));
    buf_init(&l->line, DECODE_ROW_MAX_BYTES + 1);
    return l;
}

void logfile_free(struct logfile *l)
{
    if (!l) return;
    gzclose_r(l->file);
    buf_finish(&l->line);
    free(l->path);
    free(l);
}

static void skip_mark(struct logfile *l)
{
    if (l->rest.len >= 3 && memcmp(l->rest.at, "\xef\xbb\xbf", 3) == 0)
        l->rest = (struct str){l->rest.at + 3, l->rest.len - 3};
}

/* Reads the next block; false at the end or with e set. */
static bool refill(struct logfile *l, struct err *e)
{
    bool first = gztell(l->file) == 0;
    int n = gzread(l->file, l->block, BLOCK_BYTES);
    int code = Z_OK;
    const char *text = n <= 0 ? gzerror(l->file, &code) : "";
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
        return err_refuse(e, "%s: cannot be read: %s", l->path,
                          code == Z_ERRNO ? strerror(errno) : text);
    l->rest = (struct str){l->block, (size_t)n};
    if (first) skip_mark(l);
    return n > 0;
}

static void append(struct buf *line, struct str piece)
{
    size_t room = line->max - line->len;
    if (piece.len > room)
        piece.len = room; /* one byte more than a good row: the decoder sees that it is long */
    buf_add_str(line, piece);
}

bool logfile_next(struct logfile *l, struct str *ret_line, struct err *e)
{
    buf_clear(&l->line);
    bool any = false;
    while (l->rest.len || refill(l, e)) {
        const char *end = memchr(l->rest.at, '\n', l->rest.len);
        struct str piece = {l->rest.at, end ? (size_t)(end - l->rest.at) : l->rest.len};
        size_t used = piece.len + (end != NULL);
        l->rest = (struct str){l->rest.at + used, l->rest.len - used};
        append(&l->line, piece);
        any = true;
        if (end) break;
    }
    *ret_line = buf_str(&l->line);
    return any && !e->status;
}
