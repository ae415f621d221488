#include "services/model.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/item_order.h"
#include "base/mem.h"
#include "base/wire.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is mapped as it is");

enum { VERSION = 1, WRITE_MAX_BYTES = 1 << 30 };

static const char MAGIC[8] = "WEIRMODL";

struct header {
    char magic[8];
    uint64_t checksum; /* XXH3 of all that follows it */
    uint32_t version, items_n;
    uint64_t edges_n, text_bytes;
};

enum { HASHED_FROM = offsetof(struct header, version) };

struct section {
    const void *at;
    uint64_t bytes;
};

enum { SECTIONS_N = 6 };

static void list_sections(const struct model *m, struct section ret[SECTIONS_N])
{
    uint64_t n = m->items_n;
    ret[0] = (struct section){m->sums, n * sizeof m->sums[0]};
    ret[1] = (struct section){m->row_start, (n + 1) * sizeof m->row_start[0]};
    ret[2] = (struct section){m->text_start, (n + 1) * sizeof m->text_start[0]};
    ret[3] = (struct section){m->to, m->edges_n * sizeof m->to[0]};
    ret[4] = (struct section){m->count, m->edges_n * sizeof m->count[0]};
    ret[5] = (struct section){m->text, m->text_bytes};
}

static uint64_t file_bytes(const struct model *m)
{
    struct section sections[SECTIONS_N];
    list_sections(m, sections);
    uint64_t bytes = sizeof(struct header);
    for (int i = 0; i < SECTIONS_N; i++) bytes += sections[i].bytes;
    return bytes;
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

static bool write_checksum(int fd, uint64_t bytes)
{
    void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return false;
    uint64_t sum = wire_hash((struct str){(char *)map + HASHED_FROM, bytes - HASHED_FROM});
    munmap(map, bytes);
    return pwrite(fd, &sum, sizeof sum, offsetof(struct header, checksum)) == sizeof sum;
}

static bool write_file(const struct model *m, int fd)
{
    struct header h = {.version = VERSION,
                       .items_n = m->items_n,
                       .edges_n = m->edges_n,
                       .text_bytes = m->text_bytes};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    struct section sections[SECTIONS_N];
    list_sections(m, sections);
    if (!write_all(fd, &h, sizeof h)) return false;
    for (int i = 0; i < SECTIONS_N; i++)
        if (!write_all(fd, sections[i].at, sections[i].bytes)) return false;
    return write_checksum(fd, file_bytes(m)) && fsync(fd) == 0;
}

/* Makes the renaming itself last. */
static bool sync_directory(const char *path)
{
    char *copy = mem_dup(path, strlen(path));
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return good;
}

bool model_write(const struct model *m, const char *path, struct err *e)
{
    char *temporary = mem_printf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool good = fd >= 0 && fchmod(fd, 0644) == 0 && write_file(m, fd) &&
                rename(temporary, path) == 0 && sync_directory(path);
    if (!good) err_set(e, "%s: the model cannot be written: %s", path, strerror(errno));
    if (!good && fd >= 0) unlink(temporary);
    if (fd >= 0) close(fd);
    free(temporary);
    return good;
}

/* -- reading: the file is a stranger's until all of it is checked -- */

static const char *map_sections(struct model *m)
{
    const struct header *h = m->map;
    if (m->map_bytes < sizeof *h || memcmp(h->magic, MAGIC, sizeof MAGIC) != 0)
        return "it is no model file";
    struct str hashed = {(const char *)m->map + HASHED_FROM, m->map_bytes - HASHED_FROM};
    if (wire_hash(hashed) != h->checksum) return "it is damaged";
    if (h->version != VERSION) return "its version is not known here";
    if (h->edges_n > m->map_bytes || h->text_bytes > m->map_bytes) return "its sizes are wrong";
    m->items_n = h->items_n;
    m->edges_n = h->edges_n;
    m->text_bytes = h->text_bytes;
    if (file_bytes(m) != m->map_bytes) return "its sizes are wrong";
    m->sums = (const uint64_t *)(h + 1);
    m->row_start = m->sums + m->items_n;
    m->text_start = m->row_start + m->items_n + 1;
    m->to = (const uint32_t *)(m->text_start + m->items_n + 1);
    m->count = m->to + m->edges_n;
    m->text = (const char *)(m->count + m->edges_n);
    return NULL;
}

static bool offsets_ascend(const uint64_t *at, uint32_t n, uint64_t last)
{
    for (uint32_t i = 0; i < n; i++)
        if (at[i] > at[i + 1]) return false;
    return at[0] == 0 && at[n] == last;
}

static bool row_is_good(const struct model *m, uint32_t item)
{
    uint64_t sum = 0;
    for (uint64_t i = m->row_start[item]; i < m->row_start[item + 1]; i++) {
        bool ascends = i == m->row_start[item] || m->to[i - 1] < m->to[i];
        if (!ascends || m->to[i] >= m->items_n || m->count[i] == 0) return false;
        sum += m->count[i];
    }
    return sum == m->sums[item];
}

static bool id_is_good(const struct model *m, uint32_t item)
{
    struct str id = model_id(m, item);
    if (id.len == 0 || id.len > MODEL_ID_MAX_BYTES || !str_is_text(id)) return false;
    return item == 0 || item_order_cmp(model_id(m, item - 1), id) < 0;
}

static const char *check_structure(const struct model *m)
{
    if (!offsets_ascend(m->row_start, m->items_n, m->edges_n)) return "its rows are out of order";
    if (!offsets_ascend(m->text_start, m->items_n, m->text_bytes))
        return "its ids are out of order";
    for (uint32_t item = 0; item < m->items_n; item++) {
        if (!id_is_good(m, item)) return "it holds a bad id";
        if (!row_is_good(m, item)) return "it holds a bad row";
    }
    return NULL;
}

static bool map_file(struct model *m, const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_refuse(e, "%s: the model cannot be opened: %s; make one with weir-fit", path,
                          strerror(errno));
    struct stat s;
    bool good = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0;
    if (good) {
        m->map_bytes = (size_t)s.st_size;
        m->map = mmap(NULL, m->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (m->map == MAP_FAILED) m->map = NULL;
    }
    close(fd);
    if (m->map) return true;
    return err_refuse(e, "%s: not a model: it is empty or no file; make one with weir-fit", path);
}

bool model_open(struct model *m, const char *path, struct err *e)
{
    *m = (struct model){0};
    if (!map_file(m, path, e)) return false;
    const char *wrong = map_sections(m);
    if (!wrong) wrong = check_structure(m);
    if (!wrong) return true;
    model_close(m);
    return err_refuse(e, "%s: not used: %s; make a new one with weir-fit", path, wrong);
}

void model_close(struct model *m)
{
    if (m->map) munmap(m->map, m->map_bytes);
    *m = (struct model){0};
}

struct str model_id(const struct model *m, uint32_t item)
{
    assert(item < m->items_n);
    uint64_t from = m->text_start[item];
    return (struct str){m->text + from, (size_t)(m->text_start[item + 1] - from)};
}

bool model_find(const struct model *m, struct str id, uint32_t *ret_item)
{
    uint32_t from = 0, to = m->items_n;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = item_order_cmp(id, model_id(m, middle));
        if (order == 0) {
            *ret_item = middle;
            return true;
        }
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}
