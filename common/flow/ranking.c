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
 * Most items are far from the top, and which bucket they would be in is of no interest. So there is a floor, a
 * count, and only items that have reached it are in buckets: a few times what is wanted, or a small part of all.
 * When too few are left it is laid anew, which looks at all items; so is one that too many have passed, but not before
 * the items have changed several times each.
 *
 * Items have numbers, given out densely and used again, so that all links are 32 bits and panes refer to items by
 * number. An item lives once: 24 bytes with its id, 4 for when its number is free, 11 to 21 in the index that finds it, and
 * 16 for its count, which stand apart since a slide touches counts only. */

enum {
    MANTISSA_BITS = 7,
    HALF = 1 << MANTISSA_BITS,                    /* buckets per power of two */
    BUCKETS = (63 - MANTISSA_BITS) * HALF + HALF, /* for all of int64 */
    WORD_BITS = 64,
    HEAD_MORE = 4,    /* times what is wanted */
    FLOOR_MORE = 4,   /* likewise, */
    FLOOR_PART = 256, /* but no less than this part of all items */
};

#define NOBODY UINT32_MAX

struct item {
    struct key id;
    uint32_t reference_n;
};

struct count {
    int64_t n;
    uint32_t next, prev; /* in its bucket */
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
    struct index ids;     /* id -> item */
    struct item *items;   /* own */
    struct count *counts; /* own; of the items */
    size_t used, cap;     /* of both; free ones are among the used */
    uint32_t *free;       /* own: the free ones, with room for all */
    size_t free_n;
    size_t far_bytes; /* of ids that are kept on the heap */
    struct head head;
    struct bucket buckets[BUCKETS];
    uint64_t occupied[BUCKETS / WORD_BITS]; /* one bit per bucket that holds items */
    int64_t floor;                          /* > 0; items with a lower count are in no bucket */
    size_t queued_n, changed_n;             /* items in buckets, changes since the floor was laid */
};

static_assert(BUCKETS % WORD_BITS == 0, "the bits of the buckets fill words");

struct ranking *ranking_new(void)
{
    struct ranking *r = mem_zero(1, sizeof *r);
    index_init(&r->ids);
    r->floor = 1;
    for (size_t i = 0; i < BUCKETS; i++) r->buckets[i].first = NOBODY;
    return r;
}

void ranking_free(struct ranking *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->used; i++) key_finish(&r->items[i].id);
    free(r->items);
    free(r->counts);
    free(r->free);
    index_finish(&r->ids);
    free(r->head.best);
    free(r);
}

/* --- items ---------------------------------------------------------------------------------------- */

static void grow(struct ranking *r)
{
    r->items = mem_grow(r->items, r->used, &r->cap, sizeof r->items[0]);
    r->counts = mem_resize(r->counts, r->cap, sizeof r->counts[0]);
    r->free = mem_resize(r->free, r->cap, sizeof r->free[0]);
}

static uint32_t take_number(struct ranking *r)
{
    if (r->free_n) return r->free[--r->free_n];
    assert(r->used < NOBODY - 1);
    if (r->used == r->cap) grow(r);
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

static uint32_t need(struct ranking *r, struct str id, uint32_t hash)
{
    uint32_t item = find(r, id, hash);
    if (item != NOBODY) return item;
    item = take_number(r);
    r->items[item] = (struct item){.id = key_copy(id)};
    r->counts[item] = (struct count){0};
    r->far_bytes += far_bytes(&r->items[item].id);
    index_put(&r->ids, hash, item);
    return item;
}

static void fetch(const struct ranking *r, uint32_t item)
{
    __builtin_prefetch(&r->items[item], 1);
    __builtin_prefetch(&r->counts[item], 1);
}

/* Of an item, or if there is none of the one that it will be. */
static void fetch_all(const struct ranking *r, const uint32_t *hashes, size_t n)
{
    size_t left = r->free_n;
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        uint32_t item;
        if (index_probe(&r->ids, hashes[i], &at, &item))
            fetch(r, item);
        else if (left)
            fetch(r, r->free[--left]);
    }
}

/* Each step asks the memory for what the next one reads, for all of the items. */
void ranking_keep(struct ranking *r, const struct str *ids, size_t n, uint32_t *ret_items)
{
    uint32_t hashes[RANKING_SOME];
    assert(n <= RANKING_SOME);
    for (size_t i = 0; i < n; i++) {
        hashes[i] = index_hash(&r->ids, ids[i]);
        index_fetch(&r->ids, hashes[i]);
    }
    fetch_all(r, hashes, n);
    for (size_t i = 0; i < n; i++) {
        ret_items[i] = need(r, ids[i], hashes[i]);
        r->items[ret_items[i]].reference_n++;
    }
}

static void drop(struct ranking *r, uint32_t item, uint32_t hash)
{
    struct item *i = &r->items[item];
    assert(!r->counts[item].n);
    r->far_bytes -= far_bytes(&i->id);
    index_remove(&r->ids, hash, item);
    key_finish(&i->id);
    r->free[r->free_n++] = item;
}

void ranking_drop(struct ranking *r, const uint32_t *items, size_t n)
{
    uint32_t hashes[RANKING_SOME], gone[RANKING_SOME];
    size_t gone_n = 0;
    assert(n <= RANKING_SOME);
    for (size_t i = 0; i < n; i++) __builtin_prefetch(&r->items[items[i]], 1);
    for (size_t i = 0; i < n; i++) {
        struct item *item = &r->items[items[i]];
        assert(item->reference_n);
        if (--item->reference_n) continue;
        hashes[gone_n] = index_hash(&r->ids, key_str(&item->id));
        index_fetch(&r->ids, hashes[gone_n]);
        gone[gone_n++] = items[i];
    }
    for (size_t i = 0; i < gone_n; i++) drop(r, gone[i], hashes[i]);
}

void ranking_fetch(const struct ranking *r, uint32_t item)
{
    __builtin_prefetch(&r->counts[item], 1);
}

/* --- buckets -------------------------------------------------------------------------------------- */

static size_t bucket_of(int64_t count)
{
    int exponent = 63 - __builtin_clzll((uint64_t)count);
    int shift = exponent > MANTISSA_BITS ? exponent - MANTISSA_BITS : 0;
    return (size_t)shift * HALF + (size_t)(count >> shift);
}

static void unlink_item(struct ranking *r, const struct count *i)
{
    size_t at = bucket_of(i->n);
    struct bucket *b = &r->buckets[at];
    if (i->prev == NOBODY)
        b->first = i->next;
    else
        r->counts[i->prev].next = i->next;
    if (i->next != NOBODY) r->counts[i->next].prev = i->prev;
    r->queued_n--;
    if (--b->n == 0) r->occupied[at / WORD_BITS] &= ~(UINT64_C(1) << at % WORD_BITS);
}

static void link_item(struct ranking *r, struct count *i)
{
    size_t at = bucket_of(i->n);
    struct bucket *b = &r->buckets[at];
    uint32_t item = (uint32_t)(i - r->counts);
    i->prev = NOBODY;
    i->next = b->first;
    if (b->first != NOBODY) r->counts[b->first].prev = item;
    b->first = item;
    b->n++;
    r->queued_n++;
    r->occupied[at / WORD_BITS] |= UINT64_C(1) << at % WORD_BITS;
}

/* --- the head of a bucket -------------------------------------------------------------------------- */

static bool stands_before(const struct ranking *r, uint32_t a, uint32_t b)
{
    int64_t x = r->counts[a].n, y = r->counts[b].n;
    if (x != y) return x > y;
    return item_order_cmp(key_str(&r->items[a].id), key_str(&r->items[b].id)) < 0;
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

static bool has_head(const struct ranking *r, const struct count *i)
{
    return r->head.n && bucket_of(i->n) == r->head.bucket;
}

static void leave_head(struct ranking *r, const struct count *i)
{
    struct head *h = &r->head;
    uint32_t item = (uint32_t)(i - r->counts);
    size_t at = has_head(r, i) ? head_place(r, item) : h->n;
    if (at == h->n || h->best[at] != item) return;
    memmove(&h->best[at], &h->best[at + 1], (--h->n - at) * sizeof h->best[0]);
}

static void enter_head(struct ranking *r, const struct count *i)
{
    struct head *h = &r->head;
    uint32_t item = (uint32_t)(i - r->counts);
    size_t at = has_head(r, i) ? head_place(r, item) : h->n;
    if (at == h->n) return;
    if (h->n == h->room) h->n--;
    memmove(&h->best[at + 1], &h->best[at], (h->n++ - at) * sizeof h->best[0]);
    h->best[at] = item;
}

static void move(struct ranking *r, struct count *i, int64_t n)
{
    bool was = i->n >= r->floor, is = n >= r->floor;
    bool stays = was && is && bucket_of(i->n) == bucket_of(n);
    if (was) leave_head(r, i);
    if (was && !stays) unlink_item(r, i);
    i->n = n;
    if (is && !stays) link_item(r, i);
    if (is) enter_head(r, i);
}

void ranking_add(struct ranking *r, uint32_t item, int64_t amount)
{
    struct count *i = &r->counts[item];
    int64_t n = i->n + amount;
    assert(n >= 0);
    r->changed_n++;
    if (i->n < r->floor && n < r->floor)
        i->n = n;
    else
        move(r, i, n);
}

/* --- the floor -------------------------------------------------------------------------------------- */

static void empty_buckets(struct ranking *r)
{
    memset(r->occupied, 0, sizeof r->occupied);
    for (size_t i = 0; i < BUCKETS; i++) r->buckets[i] = (struct bucket){.first = NOBODY};
    r->queued_n = 0;
    r->head.n = 0;
}

/* The lowest count that belongs to a bucket. */
static int64_t least_of(size_t bucket)
{
    size_t shift = bucket < 2 * HALF ? 0 : bucket / HALF - 1;
    return (int64_t)(bucket - shift * HALF) << shift;
}

/* The lowest count of the highest bucket such that it and those above have the wanted items. Counts into empty
 * buckets. */
static int64_t floor_for(struct ranking *r, size_t wanted)
{
    size_t at = BUCKETS, n = 0;
    for (size_t i = 0; i < r->used; i++)
        if (r->counts[i].n) r->buckets[bucket_of(r->counts[i].n)].n++;
    while (at > 1 && n < wanted) n += r->buckets[--at].n;
    return least_of(at);
}

static void lay_floor(struct ranking *r, size_t wanted)
{
    empty_buckets(r);
    r->floor = floor_for(r, wanted);
    r->changed_n = 0;
    empty_buckets(r);
    for (size_t i = 0; i < r->used; i++)
        if (r->counts[i].n >= r->floor) link_item(r, &r->counts[i]);
}

static void keep_floor(struct ranking *r, size_t n)
{
    size_t wanted = FLOOR_MORE * n, part = r->used / FLOOR_PART;
    if (wanted < part) wanted = part;
    bool high = r->queued_n < n && r->floor > 1;
    bool low = r->queued_n > 2 * wanted && r->changed_n >= FLOOR_MORE * r->used;
    if (high || low) lay_floor(r, wanted);
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
    for (size_t i = 0; i < n; i++, item = r->counts[item].next) best[i] = item;
    for (size_t i = n / 2; i-- > 0;) sift_down(r, best, n, i, best[i]);
    for (; item != NOBODY; item = r->counts[item].next)
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
    places[(*n)++] = (struct ranking_place){key_str(&r->items[item].id), r->counts[item].n};
}

/* All of a bucket, in any order. */
static void add_all(const struct ranking *r, const struct bucket *b, struct ranking_place *places,
                    size_t *n)
{
    for (uint32_t item = b->first; item != NOBODY; item = r->counts[item].next)
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
    keep_floor(r, n);
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
    return sizeof *r + r->cap * (sizeof r->items[0] + sizeof r->counts[0] + sizeof r->free[0]) +
           r->ids.cap * sizeof r->ids.slots[0] + r->far_bytes;
}

size_t ranking_numbers(const struct ranking *r)
{
    return r->cap;
}
