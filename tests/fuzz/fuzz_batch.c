/* Records of weir-panes, as they come or under a good checksum: what is taken is bounded and encodes to itself. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/batch.h"
#include "flow/event.h"
#include "flow/window.h"
#include "fuzz.h"

static void check(const struct batch *b)
{
    size_t items = 0;
    assert(b->epoch >= 0 && b->slide_ms >= 1 && b->line_n >= 1);
    for (size_t i = 0; i < b->line_n; i++) {
        const struct batch_line *l = &b->lines[i];
        assert(l->partition >= 0 && l->partition < l->of && l->of <= BATCH_PARTITIONS_MAX);
        assert(0 <= l->start && l->start <= l->from && l->from <= l->to);
        assert(i == 0 || b->lines[i - 1].partition < l->partition);
    }
    for (size_t i = 0; i < b->pane_n; i++) {
        assert(b->panes[i].item_first == items);
        items += b->panes[i].item_n;
    }
    assert(items == b->item_n);
    for (size_t i = 0; i < b->item_n; i++) {
        assert(b->items[i].sum >= 1 && b->items[i].sum <= BATCH_SUM_MAX);
        assert(b->items[i].id.len >= 1 && b->items[i].id.len <= EVENT_KEY_MAX);
    }
}

static void encode_again(const struct batch *b)
{
    struct batch again = {0};
    struct err e = {0};
    struct buf one, two;
    buf_init(&one, BATCH_MAX_BYTES);
    buf_init(&two, BATCH_MAX_BYTES);
    batch_encode(b, &one);
    bool good = batch_decode(&again, buf_str(&one), &e);
    assert(good);
    batch_encode(&again, &two);
    assert(str_eq(buf_str(&one), buf_str(&two)));
    batch_finish(&again);
    buf_finish(&one);
    buf_finish(&two);
}

/* The first byte: an even one seals the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    struct batch b = {0};
    struct err e = {0};
    struct buf sealed;
    buf_init(&sealed, SIZE_MAX);
    bool seal = fuzz_take(&f, 1) % 2 == 0;
    if (seal) fuzz_sealed(&sealed, fuzz_rest(&f));
    char *record = fuzz_exact(seal ? buf_str(&sealed) : fuzz_rest(&f), false);
    if (batch_decode(&b, (struct str){record, seal ? sealed.len : f.n}, &e)) {
        check(&b);
        encode_again(&b);
    } else {
        assert(e.status == ERR_REFUSED && !b.line_n && !b.pane_n && !b.item_n);
    }
    batch_finish(&b);
    free(record);
    buf_finish(&sealed);
    return 0;
}
