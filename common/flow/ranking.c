#include "flow/ranking.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
 * the line may hold a million items of equal count; a heap finds the best few of them. To look at all of them
 * again each time would cost as many steps as there are ties, so what it found is kept as the bucket's head and follows
 * every change: whatever of the bucket is not in its head stands behind the head's last. A head that has lost too many is
 * made anew. At last the N are sorted. That is exact, because buckets never overlap.
 *
 * Items have numbers, given out densely and used again, so that all links are 32 bits and panes refer to items by
 * number. An item lives once, with its id: 40 bytes, and 11 to 21
 * more in the index that finds it. */

enum {
    MANTISSA_BITS = 7,
    HALF = 1 << MANTISSA_BITS,                    /* buckets per power of two */
    BUCKETS = (63 - MANTISSA_BITS) * HALF + HALF, /* for all of int64 */
    WORD_BITS = 64,
    HEAD_MORE = 4, /* times what is wanted */
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

struct head {
    size_t bucket;
    uint32_t *best; /* own; best first */
    size_t n, room; /* n = 0: nothing is known */
};

struct ranking {
    struct index ids;   /* id -> item */
    struct item *items; /* own */
    size_t used, cap;   /* of items; free ones are among the used */
    uint32_t free;      /* first free item */
    size_t far_bytes;   /* of ids that are kept on the heap */
    struct head head;
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
    free(r->head.best);
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

/* --- the head of a bucket -------------------------------------------------------------------------- */

static bool stands_before(const struct ranking *r, uint32_t a, uint32_t b)
{
    const struct item *x = &r->items[a], *y = &r->items[b];
    if (x->count != y->count) return x->count > y->count;
    return item_order_cmp(key_str(&x->id), key_str(&y->id)) < 0;
}

/* Where an item is in the head, or would be; h->n = behind it. */
static size_t head_place(const struct ranking *r, uint32_t item)
{
    const struct head *h = &r->head;
    size_t low = 0, high = h->n;
    if (stands_before(r, h->best[high - 1], item)) return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stands_before(r, h->best[middle], item))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_head(const struct ranking *r, const struct item *i)
{
    return r->head.n && i->count && bucket_of(i->count) == r->head.bucket;
}

static void leave_head(struct ranking *r, const struct item *i)
{
    struct head *h = &r->head;
    uint32_t item = (uint32_t)(i - r->items);
    size_t at = has_head(r, i) ? head_place(r, item) : h->n;
    if (at == h->n || h->best[at] != item) return;
    memmove(&h->best[at], &h->best[at + 1], (--h->n - at) * sizeof h->best[0]);
}

static void enter_head(struct ranking *r, const struct item *i)
{
    struct head *h = &r->head;
    uint32_t item = (uint32_t)(i - r->items);
    size_t at = has_head(r, i) ? head_place(r, item) : h->n;
    if (at == h->n) return;
    if (h->n == h->room) h->n--;
    memmove(&h->best[at + 1], &h->best[at], (h->n++ - at) * sizeof h->best[0]);
    h->best[at] = item;
}

void ranking_add(struct ranking *r, uint32_t item, int64_t amount)
{
    struct item *i = &r->items[item];
    int64_t count = i->count + amount;
    assert(count >= 0);
    bool stays = i->count && count && bucket_of(i->count) == bucket_of(count);
    leave_head(r, i);
    if (i->count && !stays) unlink_item(r, i);
    i->count = count;
    if (i->count && !stays) link_item(r, i);
    enter_head(r, i);
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

/* The worst is at the root. Puts an item into the hole, or lower. */
static void sift_down(const struct ranking *r, uint32_t *heap, size_t n, size_t hole, uint32_t item)
{
    for (size_t child; (child = 2 * hole + 1) < n; hole = child) {
        if (child + 1 < n && stands_before(r, heap[child], heap[child + 1])) child++;
        if (!stands_before(r, item, heap[child])) break;
        heap[hole] = heap[child];
    }
    heap[hole] = item;
}

/* The best n items of a bucket that has no fewer, best first. */
static void select_best(const struct ranking *r, const struct bucket *b, uint32_t *best, size_t n)
{
    uint32_t item = b->first;
    for (size_t i = 0; i < n; i++, item = r->items[item].next) best[i] = item;
    for (size_t i = n / 2; i-- > 0;) sift_down(r, best, n, i, best[i]);
    for (; item != NOBODY; item = r->items[item].next)
        if (stands_before(r, item, best[0])) sift_down(r, best, n, 0, item);
    for (size_t left = n; left-- > 1;) {
        uint32_t worst = best[0];
        sift_down(r, best, left, 0, best[left]);
        best[left] = worst;
    }
}

static void add_place(const struct ranking *r, uint32_t item, struct ranking_place *places,
                      size_t *n)
{
    places[(*n)++] = (struct ranking_place){key_str(&r->items[item].id), r->items[item].count};
}

/* All of a bucket, in any order. */
static void add_all(const struct ranking *r, const struct bucket *b, struct ranking_place *places,
                    size_t *n)
{
    for (uint32_t item = b->first; item != NOBODY; item = r->items[item].next)
        add_place(r, item, places, n);
}

/* The best of a bucket that holds more than are wanted. */
static void add_best(struct ranking *r, size_t bucket, size_t wanted, struct ranking_place *places,
                     size_t *n)
{
    const struct bucket *b = &r->buckets[bucket];
    struct head *h = &r->head;
    if (h->bucket != bucket || h->n < wanted) {
        size_t room = HEAD_MORE * wanted;
        if (room > h->room) h->best = mem_resize(h->best, h->room = room, sizeof h->best[0]);
        h->bucket = bucket;
        h->n = b->n < h->room ? b->n : h->room;
        select_best(r, b, h->best, h->n);
    }
    for (size_t i = 0; i < wanted; i++) add_place(r, h->best[i], places, n);
}

/* < 0 when a stands before b. */
static int place_cmp(const void *a, const void *b)
{
    const struct ranking_place *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return item_order_cmp(x->id, y->id);
}

size_t ranking_top(struct ranking *r, size_t n, struct ranking_place *places)
{
    size_t filled = 0;
    for (int at = BUCKETS; filled < n && (at = next_bucket(r, at)) >= 0;) {
        if (r->buckets[at].n <= n - filled)
            add_all(r, &r->buckets[at], places, &filled);
        else
            add_best(r, (size_t)at, n - filled, places, &filled);
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
