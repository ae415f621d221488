#include "flow/ranking.h"

#include <assert.h>
#include <stdlib.h>

#include "base/index.h"
#include "base/item_order.h"
#include "base/key.h"
#include "base/mem.h"

/* A queue of count buckets.
 *
 * A window's counts change in small numbers (what enters, what leaves) while its items may be millions, so neither
 * a sort per window nor a heap of all items will do. The classic answer is the Stream-Summary of Metwally, Agrawal
 * and El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams" (ICDT 2005): a
 * linked list of buckets, one per distinct count, each with the list of its items. There a count grows by one and
 * the next bucket is the neighbour. Here a count changes by whole panes, in both directions, and finding the
 * right place in a linked list would mean walking over all distinct counts in between.
 *
 * So the buckets stand in an array and a count computes its bucket: one bucket per count below 256, and
 * above that 128 buckets of equal width per power of two (a floating point number with a mantissa of 7 bits, the
 * layout of HdrHistogram). Buckets are ordered: every count in a higher bucket is greater than every count in a
 * lower one. A change unlinks an item from one list and links it into another: O(1), no allocation, and within
 * a wide bucket nothing moves at all.
 *
 * The top N: whole buckets from the highest down as long as they fit, in any order. The bucket that crosses
 * the line may hold a million items of equal count; of it a heap of the best few seen so far, worst on top, keeps
 * what is needed. At last these N are sorted. That is exact, because buckets never overlap.
 *
 * Items have numbers, given out densely and used again, so that all links are 32 bits and panes refer to items by
 * number. An item lives once, with its id: 40 bytes, and 11 to 21
 * more in the index that finds it. */

enum {
    MANTISSA_BITS = 7,
    HALF = 1 << MANTISSA_BITS,                    /* buckets per power of two */
    BUCKETS = (63 - MANTISSA_BITS) * HALF + HALF, /* for all of int64 */
    WORD_BITS = 64,
};

#define NOBODY UINT32_MAX

struct item {
    struct key id;
    uint32_t next, prev; /* in its bucket; next also links the free ones */
    uint32_t reference_n;
    int64_t count;
};

struct bucket {
    uint32_t first, n;
};

struct ranking {
    struct index ids;   /* id -> item */
    struct item *items; /* own */
    size_t used, cap;   /* of items; free ones are among the used */
    uint32_t free;      /* first free item */
    size_t far_bytes;   /* of ids that are kept on the heap */
    struct bucket buckets[BUCKETS];
    uint64_t occupied[BUCKETS / WORD_BITS]; /* one bit per bucket that holds items */
};

static_assert(BUCKETS % WORD_BITS == 0, "the bits of the buckets fill words");

struct ranking *ranking_new(void)
{
    struct ranking *r = mem_zero(1, sizeof *r);
    index_init(&r->ids);
    r->free = NOBODY;
    for (size_t i = 0; i < BUCKETS; i++) r->buckets[i].first = NOBODY;
    return r;
}

void ranking_free(struct ranking *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->used; i++) key_finish(&r->items[i].id);
    free(r->items);
    index_finish(&r->ids);
    free(r);
}

/* --- items ---------------------------------------------------------------------------------------- */

static uint32_t take_number(struct ranking *r)
{
    uint32_t item = r->free;
    if (item != NOBODY) {
        r->free = r->items[item].next;
        return item;
    }
    assert(r->used < NOBODY - 1);
    r->items = mem_grow(r->items, r->used, &r->cap, sizeof r->items[0]);
    return (uint32_t)r->used++;
}

static size_t far_bytes(const struct key *id)
{
    enum { OVERHEAD = 24 }; /* of one allocation: NUL, header, rounding */
    return id->len > KEY_NEAR_BYTES ? id->len + OVERHEAD : 0;
}

static uint32_t find(const struct ranking *r, struct str id, uint32_t hash)
{
    uint32_t item;
    for (size_t at = 0; index_probe(&r->ids, hash, &at, &item);)
        if (str_eq(key_str(&r->items[item].id), id)) return item;
    return NOBODY;
}

uint32_t ranking_item(struct ranking *r, struct str id)
{
    uint32_t hash = index_hash(&r->ids, id), item = find(r, id, hash);
    if (item != NOBODY) return item;
    item = take_number(r);
    r->items[item] = (struct item){.id = key_copy(id)};
    r->far_bytes += far_bytes(&r->items[item].id);
    index_put(&r->ids, hash, item);
    return item;
}

void ranking_expect(const struct ranking *r, struct str id)
{
    index_fetch(&r->ids, index_hash(&r->ids, id));
}

void ranking_fetch(const struct ranking *r, uint32_t item)
{
    __builtin_prefetch(&r->items[item], 1);
}

void ranking_keep(struct ranking *r, uint32_t item)
{
    r->items[item].reference_n++;
}

void ranking_drop(struct ranking *r, uint32_t item)
{
    struct item *i = &r->items[item];
    assert(i->reference_n);
    if (--i->reference_n) return;
    assert(!i->count);
    r->far_bytes -= far_bytes(&i->id);
    index_remove(&r->ids, index_hash(&r->ids, key_str(&i->id)), item);
    key_finish(&i->id);
    *i = (struct item){.next = r->free};
    r->free = item;
}

/* --- buckets -------------------------------------------------------------------------------------- */

static size_t bucket_of(int64_t count)
{
    int exponent = 63 - __builtin_clzll((uint64_t)count);
    int shift = exponent > MANTISSA_BITS ? exponent - MANTISSA_BITS : 0;
    return (size_t)shift * HALF + (size_t)(count >> shift);
}

static void unlink_item(struct ranking *r, struct item *i)
{
    size_t at = bucket_of(i->count);
    struct bucket *b = &r->buckets[at];
    if (i->prev == NOBODY)
        b->first = i->next;
    else
        r->items[i->prev].next = i->next;
    if (i->next != NOBODY) r->items[i->next].prev = i->prev;
    if (--b->n == 0) r->occupied[at / WORD_BITS] &= ~(UINT64_C(1) << at % WORD_BITS);
}

static void link_item(struct ranking *r, struct item *i)
{
    size_t at = bucket_of(i->count);
    struct bucket *b = &r->buckets[at];
    uint32_t item = (uint32_t)(i - r->items);
    i->prev = NOBODY;
    i->next = b->first;
    if (b->first != NOBODY) r->items[b->first].prev = item;
    b->first = item;
    b->n++;
    r->occupied[at / WORD_BITS] |= UINT64_C(1) << at % WORD_BITS;
}

void ranking_add(struct ranking *r, uint32_t item, int64_t amount)
{
    struct item *i = &r->items[item];
    int64_t count = i->count + amount;
    assert(count >= 0);
    if (i->count && count && bucket_of(i->count) == bucket_of(count)) {
        i->count = count;
        return;
    }
    if (i->count) unlink_item(r, i);
    i->count = count;
    if (i->count) link_item(r, i);
}

/* The highest occupied bucket below `below`, or -1. */
static int next_bucket(const struct ranking *r, int below)
{
    for (int word = (below - 1) / WORD_BITS; word >= 0; word--) {
        uint64_t bits = r->occupied[word];
        int top = below - word * WORD_BITS;
        if (top < WORD_BITS) bits &= (UINT64_C(1) << top) - 1;
        if (bits) return word * WORD_BITS + 63 - __builtin_clzll(bits);
    }
    return -1;
}

/* --- the top N ------------------------------------------------------------------------------------ */

/* < 0 when a stands before b. */
static int place_cmp(const void *a, const void *b)
{
    const struct ranking_place *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return item_order_cmp(x->id, y->id);
}

/* Moves the place at i down until no child stands behind it: the worst is at the root. */
static void sift_down(struct ranking_place *heap, size_t n, size_t i)
{
    struct ranking_place moving = heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) break;
        if (child + 1 < n && place_cmp(&heap[child + 1], &heap[child]) > 0) child++;
        if (place_cmp(&heap[child], &moving) <= 0) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moving;
}

/* Puts the best n of a bucket into places, n <= its items. */
static void select_best(const struct ranking *r, const struct bucket *b, size_t n,
                        struct ranking_place *places)
{
    size_t filled = 0;
    for (uint32_t item = b->first; item != NOBODY; item = r->items[item].next) {
        struct ranking_place place = {key_str(&r->items[item].id), r->items[item].count};
        if (filled < n) {
            places[filled++] = place;
            for (size_t i = n / 2; filled == n && i-- > 0;) sift_down(places, n, i);
        } else if (place_cmp(&place, &places[0]) < 0) {
            places[0] = place;
            sift_down(places, n, 0);
        }
    }
}

size_t ranking_top(struct ranking *r, size_t n, struct ranking_place *places)
{
    size_t filled = 0;
    for (int at = BUCKETS; filled < n && (at = next_bucket(r, at)) >= 0;) {
        const struct bucket *b = &r->buckets[at];
        size_t wanted = n - filled < b->n ? n - filled : b->n;
        select_best(r, b, wanted, places + filled);
        filled += wanted;
    }
    qsort(places, filled, sizeof places[0], place_cmp);
    return filled;
}

size_t ranking_item_n(const struct ranking *r)
{
    return r->ids.n;
}

size_t ranking_bytes(const struct ranking *r)
{
    return sizeof *r + r->cap * sizeof r->items[0] + r->ids.cap * sizeof r->ids.slots[0] +
           r->far_bytes;
}
