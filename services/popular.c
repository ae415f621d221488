/* The model "popular": how often each item is in the log. The same for everybody.
 *
 *     count u64[n]                                                                              */
#include "services/model.h"

static const char *check(const struct model *m)
{
    return m->data.arrays[0].n == m->ids.n ? NULL : "its sizes are wrong";
}

static void score(const struct model *m, void *work, const uint32_t *items, size_t items_n,
                  struct scores *out)
{
    (void)work, (void)items, (void)items_n;
    const uint64_t *count = array_file_u64(&m->data, 0);
    for (uint32_t i = 0; i < m->ids.n; i++) scores_add(out, i, (double)count[i]);
}

const struct kind popular_kind = {
    .name = "popular",
    .types = {ARRAY_FILE_U64},
    .arrays_n = 1,
    .check = check,
    .score = score,
};
