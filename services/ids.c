#include "services/ids.h"

#include <assert.h>

#include "base/item_order.h"

enum { START, TEXT, ARRAYS_N };

static const enum array_file_type types[ARRAYS_N] = {ARRAY_FILE_U64, ARRAY_FILE_BYTE};

bool ids_write(const struct ids *ids, int directory, uint64_t *ret_hash, struct err *e)
{
    const struct array_file f = {
        .arrays = {{ARRAY_FILE_U64, (uint64_t)ids->n + 1, ids->start},
                   {ARRAY_FILE_BYTE, ids->start[ids->n], ids->text}},
        .arrays_n = ARRAYS_N,
    };
    return array_file_write(&f, directory, "ids", ret_hash, e);
}

static bool id_is_good(const struct ids *ids, uint32_t item)
{
    struct str id = ids_at(ids, item);
    if (id.len == 0 || id.len > IDS_MAX_BYTES || !str_is_text(id)) return false;
    return item == 0 || item_order_cmp(ids_at(ids, item - 1), id) < 0;
}

const char *ids_borrow(struct ids *ids, const struct array_file *f, size_t start, size_t text)
{
    uint64_t starts_n = f->arrays[start].n;
    if (starts_n == 0 || starts_n > UINT32_MAX || !array_file_rows(f, start, starts_n - 1, text))
        return "its ids are out of order";
    ids->n = (uint32_t)(starts_n - 1);
    ids->start = array_file_u64(f, start);
    ids->text = f->arrays[text].at;
    for (uint32_t item = 0; item < ids->n; item++)
        if (!id_is_good(ids, item)) return "it holds a bad id";
    ids_enter(ids);
    return NULL;
}

const char *ids_open(struct ids *ids, int directory, uint64_t hash)
{
    *ids = (struct ids){.hash = hash};
    const char *wrong = array_file_open(&ids->file, directory, "ids", hash, types, ARRAYS_N);
    if (!wrong) wrong = ids_borrow(ids, &ids->file, START, TEXT);
    if (wrong) ids_close(ids);
    return wrong;
}

void ids_close(struct ids *ids)
{
    array_file_close(&ids->file);
    index_finish(&ids->index);
    *ids = (struct ids){0};
}

void ids_enter(struct ids *ids)
{
    index_init(&ids->index);
    for (uint32_t item = 0; item < ids->n; item++)
        index_put(&ids->index, index_hash(&ids->index, ids_at(ids, item)), item);
}

struct str ids_at(const struct ids *ids, uint32_t item)
{
    assert(item < ids->n);
    uint64_t from = ids->start[item];
    return (struct str){ids->text + from, (size_t)(ids->start[item + 1] - from)};
}

uint32_t ids_find(const struct ids *ids, struct str id)
{
    uint32_t hash = index_hash(&ids->index, id), item;
    for (size_t at = 0; index_probe(&ids->index, hash, &at, &item);)
        if (str_eq(ids_at(ids, item), id)) return item;
    return IDS_UNKNOWN;
}
