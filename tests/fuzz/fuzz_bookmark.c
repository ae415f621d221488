/* Replay positions, as they come or under a good checksum: what is taken encodes to itself. */
#include <assert.h>
#include <stdlib.h>

#include "fuzz.h"
#include "replay/bookmark.h"

static void encode_again(const struct bookmark *b)
{
    struct bookmark again;
    struct err e = {0};
    struct buf one, two;
    buf_init(&one, SIZE_MAX);
    buf_init(&two, SIZE_MAX);
    bookmark_encode(b, &one);
    bool good = bookmark_decode(&again, buf_str(&one), &e);
    assert(good);
    bookmark_encode(&again, &two);
    assert(str_eq(buf_str(&one), buf_str(&two)));
    buf_finish(&one);
    buf_finish(&two);
}

/* The first byte: an even one seals the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    struct bookmark b;
    struct err e = {0};
    struct buf sealed;
    buf_init(&sealed, SIZE_MAX);
    bool seal = fuzz_take(&f, 1) % 2 == 0;
    if (seal) fuzz_sealed(&sealed, fuzz_rest(&f));
    char *record = fuzz_exact(seal ? buf_str(&sealed) : fuzz_rest(&f), false);
    if (bookmark_decode(&b, (struct str){record, seal ? sealed.len : f.n}, &e)) {
        assert(b.place.offset >= 0 && b.place.line >= 0 && b.sent >= 0 && b.rejected >= 0);
        int64_t shift_ms = b.loop ? b.loop * (b.last_ms - b.first_ms + 1000) : 0;
        assert(shift_ms >= 0);
        encode_again(&b);
    } else {
        assert(e.status == ERR_REFUSED);
    }
    free(record);
    buf_finish(&sealed);
    return 0;
}
