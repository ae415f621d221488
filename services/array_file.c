#include "services/array_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wire.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is mapped as it is");

enum { WRITE_MAX_BYTES = 1 << 30, ALIGN = 64 };

static const char MAGIC[8] = "WEIRARR1";

struct header {
    char magic[8];
    uint64_t count;
    struct {
        uint64_t type, n;
    } arrays[ARRAY_FILE_MAX]; /* count of them are there */
};

static const size_t sizes[] = {1, sizeof(uint32_t), sizeof(uint64_t), sizeof(float)};

const char *array_file_name(const char *stem, uint64_t hash, char name[ARRAY_FILE_NAME_BYTES])
{
    snprintf(name, ARRAY_FILE_NAME_BYTES, "%s-%016llx", stem, (unsigned long long)hash);
    return name;
}

static uint64_t header_bytes(size_t arrays_n)
{
    return 16 + arrays_n * 16;
}

static uint64_t aligned(uint64_t at)
{
    return (at + ALIGN - 1) / ALIGN * ALIGN;
}

/* -- writing -- */

static bool write_all(int fd, const void *bytes, uint64_t n)
{
    const char *at = bytes;
    while (n) {
        ssize_t done = write(fd, at, n < WRITE_MAX_BYTES ? (size_t)n : WRITE_MAX_BYTES);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        at += done;
        n -= (uint64_t)done;
    }
    return true;
}

static bool write_arrays(const struct array_file *f, int fd)
{
    static const char zeros[ALIGN];
    struct header h = {.count = f->arrays_n};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    for (size_t i = 0; i < f->arrays_n; i++) {
        h.arrays[i].type = f->arrays[i].type;
        h.arrays[i].n = f->arrays[i].n;
    }
    uint64_t at = header_bytes(f->arrays_n);
    if (!write_all(fd, &h, at)) return false;
    for (size_t i = 0; i < f->arrays_n; i++) {
        uint64_t bytes = f->arrays[i].n * sizes[f->arrays[i].type];
        if (!write_all(fd, zeros, aligned(at) - at)) return false;
        if (!write_all(fd, f->arrays[i].at, bytes)) return false;
        at = aligned(at) + bytes;
    }
    return fsync(fd) == 0;
}

static bool hash_file(int fd, uint64_t *ret_hash)
{
    struct stat s;
    if (fstat(fd, &s) != 0) return false;
    void *map = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return false;
    *ret_hash = wire_xxh64((struct str){map, (size_t)s.st_size});
    munmap(map, (size_t)s.st_size);
    return true;
}

bool array_file_write(const struct array_file *f, int directory, const char *stem,
                      uint64_t *ret_hash, struct err *e)
{
    char name[ARRAY_FILE_NAME_BYTES], temporary[ARRAY_FILE_NAME_BYTES];
    snprintf(temporary, sizeof temporary, ".%s.%d", stem, (int)getpid());
    int fd =
        openat(directory, temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    bool good = fd >= 0 && fchmod(fd, 0644) == 0 && write_arrays(f, fd) && hash_file(fd, ret_hash);
    if (good) array_file_name(stem, *ret_hash, name);
    good = good && renameat(directory, temporary, directory, name) == 0;
    if (!good) err_set(e, "%s cannot be written: %s", stem, strerror(errno));
    if (!good && fd >= 0) unlinkat(directory, temporary, 0);
    if (fd >= 0) close(fd);
    return good;
}

/* -- reading: the file is a stranger's until all of it is checked -- */

static const char *map_file(struct array_file *f, int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return "a file of it is missing, or no file";
    struct stat s;
    bool good = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0;
    if (good) {
        f->map_bytes = (size_t)s.st_size;
        f->map = mmap(NULL, f->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (f->map == MAP_FAILED) f->map = NULL;
    }
    close(fd);
    return f->map ? NULL : "a file of it is empty, or no file";
}

/* Sizes are bounded by the file's before they are multiplied. */
static bool place_arrays(struct array_file *f, const enum array_file_type *types)
{
    const struct header *h = f->map;
    uint64_t at = header_bytes(f->arrays_n);
    for (size_t i = 0; i < f->arrays_n; i++) {
        uint64_t n = h->arrays[i].n;
        if (h->arrays[i].type != (uint64_t)types[i] || n > f->map_bytes) return false;
        f->arrays[i] = (struct array_file_array){types[i], n, (const char *)f->map + aligned(at)};
        at = aligned(at) + n * sizes[types[i]];
        if (at > f->map_bytes) return false;
    }
    return at == f->map_bytes;
}

static bool all_finite(const struct array_file *f)
{
    for (size_t i = 0; i < f->arrays_n; i++) {
        if (f->arrays[i].type != ARRAY_FILE_F32) continue;
        const float *at = f->arrays[i].at;
        for (uint64_t k = 0; k < f->arrays[i].n; k++)
            if (!isfinite(at[k])) return false;
    }
    return true;
}

static const char *check(struct array_file *f, uint64_t hash, const enum array_file_type *types)
{
    const struct header *h = f->map;
    if (wire_xxh64((struct str){f->map, f->map_bytes}) != hash) return "it is damaged";
    if (f->map_bytes < header_bytes(f->arrays_n) || memcmp(h->magic, MAGIC, sizeof MAGIC) != 0)
        return "a file of it is of another format";
    if (h->count != f->arrays_n || !place_arrays(f, types)) return "its sizes are wrong";
    return all_finite(f) ? NULL : "a number in it is not finite";
}

const char *array_file_open(struct array_file *f, int directory, const char *stem, uint64_t hash,
                            const enum array_file_type *types, size_t arrays_n)
{
    assert(arrays_n <= ARRAY_FILE_MAX);
    char name[ARRAY_FILE_NAME_BYTES];
    *f = (struct array_file){.arrays_n = arrays_n};
    const char *wrong = map_file(f, directory, array_file_name(stem, hash, name));
    if (!wrong) wrong = check(f, hash, types);
    if (wrong) array_file_close(f);
    return wrong;
}

void array_file_close(struct array_file *f)
{
    if (f->map)
        munmap(f->map, f->map_bytes);
    else
        for (size_t i = 0; i < f->arrays_n; i++) free((void *)f->arrays[i].at);
    *f = (struct array_file){0};
}

static const void *array_of(const struct array_file *f, size_t i, enum array_file_type type)
{
    assert(i < f->arrays_n && f->arrays[i].type == type);
    return f->arrays[i].at;
}

const uint32_t *array_file_u32(const struct array_file *f, size_t i)
{
    return array_of(f, i, ARRAY_FILE_U32);
}

const uint64_t *array_file_u64(const struct array_file *f, size_t i)
{
    return array_of(f, i, ARRAY_FILE_U64);
}

const float *array_file_f32(const struct array_file *f, size_t i)
{
    return array_of(f, i, ARRAY_FILE_F32);
}

bool array_file_rows(const struct array_file *f, size_t i, uint64_t n, size_t of)
{
    const uint64_t *at = array_file_u64(f, i);
    if (f->arrays[i].n != n + 1 || at[0] != 0 || at[n] != f->arrays[of].n) return false;
    for (uint64_t k = 0; k < n; k++)
        if (at[k] > at[k + 1]) return false;
    return true;
}

bool array_file_below(const struct array_file *f, size_t i, uint64_t bound)
{
    const uint32_t *at = array_file_u32(f, i);
    for (uint64_t k = 0; k < f->arrays[i].n; k++)
        if (at[k] >= bound) return false;
    return true;
}
