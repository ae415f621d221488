#include "replay/input_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

struct entry {
    int64_t key, line;
    size_t at, len;
};

struct input_memory {
    const char *name;   /* ref in caller */
    struct buf bytes;   /* the rows as they came, then in order */
    struct entry *rows; /* own; until they are in order */
    size_t n, cap;
    int64_t *lines; /* own; from then on */
    size_t read_n;
};

struct input_memory *input_memory_new(const char *name, int64_t max_bytes)
{
    struct input_memory *m = mem_zero(1, sizeof *m);
    m->name = name;
    buf_init(&m->bytes, (size_t)max_bytes);
    return m;
}

void input_memory_free(struct input_memory *m)
{
    if (!m) return;
    buf_finish(&m->bytes);
    free(m->rows);
    free(m->lines);
    free(m);
}

bool input_memory_add(struct input_memory *m, int64_t key, int64_t line, struct str row,
                      struct err *e)
{
    m->rows = mem_grow(m->rows, m->n, &m->cap, sizeof m->rows[0]);
    m->rows[m->n++] = (struct entry){key, line, m->bytes.len, row.len};
    buf_add_str(&m->bytes, row);
    buf_add(&m->bytes, "\n", 1);
    if (!m->bytes.overflow) return true;
    return err_refuse(
        e, "%s: larger than replay.sort.bytes: raise it, or sort a file beforehand with sort(1)",
        m->name);
}

static int by_key(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static void put_in_order(struct input_memory *m)
{
    struct buf ordered;
    if (m->n) qsort(m->rows, m->n, sizeof m->rows[0], by_key);
    buf_init(&ordered, m->bytes.max);
    m->lines = mem_zero(m->n, sizeof m->lines[0]);
    for (size_t i = 0; i < m->n; i++) {
        buf_add(&ordered, m->bytes.at + m->rows[i].at, m->rows[i].len + 1);
        m->lines[i] = m->rows[i].line;
    }
    buf_finish(&m->bytes);
    free(m->rows);
    m->bytes = ordered;
    m->rows = NULL;
}

static ssize_t read_memory(void *self, char *bytes, size_t n, int64_t wait_ms, struct err *e)
{
    struct input_memory *m = self;
    (void)wait_ms;
    (void)e;
    size_t left = m->bytes.len - m->read_n;
    if (n > left) n = left;
    if (n) memcpy(bytes, m->bytes.at + m->read_n, n);
    m->read_n += n;
    return (ssize_t)n;
}

static void close_memory(void *self)
{
    input_memory_free(self);
}

struct rows_input input_memory_take(struct input_memory *m)
{
    put_in_order(m);
    return (struct rows_input){
        .name = m->name,
        .self = m,
        .read = read_memory,
        .close = close_memory,
        .lines = m->lines,
        .total_bytes = (int64_t)m->bytes.len,
    };
}
