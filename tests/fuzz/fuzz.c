#include "fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wire.h"

uint64_t fuzz_take(struct fuzz *f, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes && f->n; i++, f->at++, f->n--) value |= (uint64_t)*f->at << 8 * i;
    return value;
}

struct str fuzz_rest(const struct fuzz *f)
{
    return (struct str){(const char *)f->at, f->n};
}

char *fuzz_exact(struct str bytes, bool text)
{
    char *copy = mem_zero(bytes.len + text, 1);
    if (bytes.len) memcpy(copy, bytes.at, bytes.len);
    return copy;
}

const char *fuzz_file(struct str bytes)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd >= 0 && ftruncate(fd, 0) == 0);
    ssize_t written = pwrite(fd, bytes.at, bytes.len, 0);
    assert(written == (ssize_t)bytes.len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

void fuzz_put(const char *folder, const char *name, struct str bytes)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert(f);
    fwrite(bytes.at, 1, bytes.len, f);
    fclose(f);
}

void fuzz_sealed(struct buf *out, struct str bytes)
{
    buf_clear(out);
    buf_add_str(out, bytes);
    wire_seal(out);
}
