/* Counts and their top N against a sort of everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/item_order.h"
#include "flow/ranking.h"

enum { ITEMS = 300, TOP = 40 };

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

/* Half of the ids are decimal, half are not, and some of these look as if they were. */
static struct str id_of(size_t i, char text[32])
{
    static const char *const forms[] = {"%zu", "i%zu", "0%zu", "%zu0000000000000000000"};
    int len = snprintf(text, 32, forms[i % 4], i);
    return (struct str){text, (size_t)len};
}

static uint32_t keep(struct ranking *r, struct str id)
{
    uint32_t item;
    ranking_keep(r, &id, 1, &item);
    return item;
}

static void drop(struct ranking *r, uint32_t item)
{
    ranking_drop(r, &item, 1);
}

struct model {
    bool alive;
    int64_t count;
    uint32_t item;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranking_place *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return item_order_cmp(x->id, y->id);
}

static void compare(struct ranking *r, const struct model *model, size_t n)
{
    static char texts[ITEMS][32];
    struct ranking_place wanted[ITEMS], found[ITEMS];
    size_t wanted_n = 0, alive_n = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        alive_n += model[i].alive;
        if (model[i].count)
            wanted[wanted_n++] = (struct ranking_place){id_of(i, texts[i]), model[i].count};
    }
    qsort(wanted, wanted_n, sizeof wanted[0], by_rank);
    if (wanted_n > n) wanted_n = n;
    assert_int_equal(ranking_item_n(r), alive_n);
    assert_int_equal(ranking_top(r, n, found), wanted_n);
    for (size_t i = 0; i < wanted_n; i++) {
        assert_int_equal(found[i].count, wanted[i].count);
        assert_true(str_eq(found[i].id, wanted[i].id));
    }
}

static int64_t amount(void)
{
    switch (draw(4)) {
    case 0: return 1;
    case 1: return 1 + (int64_t)draw(300);
    case 2: return 1000 + (int64_t)draw(8);
    default: return (int64_t)1 << draw(50);
    }
}

static void change(struct ranking *r, struct model *m, struct str id)
{
    if (!m->alive) *m = (struct model){true, 0, keep(r, id)};
    assert_int_equal(keep(r, id), m->item);
    drop(r, m->item); /* not the last reference */
    int64_t by = draw(3) ? amount() : m->count ? -1 - (int64_t)draw((uint64_t)m->count) : 0;
    ranking_add(r, m->item, by);
    m->count += by;
}

static void die(struct ranking *r, struct model *m)
{
    if (!m->alive) return;
    ranking_add(r, m->item, -m->count);
    drop(r, m->item);
    *m = (struct model){0};
}

static void top_is_what_a_sort_gives(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        state = seed;
        struct model model[ITEMS] = {0};
        struct ranking *r = ranking_new();
        for (int round = 0; round < 200; round++) {
            for (uint64_t n = draw(30); n; n--) {
                size_t i = draw(ITEMS);
                char text[32];
                if (draw(4))
                    change(r, &model[i], id_of(i, text));
                else
                    die(r, &model[i]);
            }
            compare(r, model, draw(5) ? TOP : 1 + draw(ITEMS));
        }
        ranking_free(r);
    }
}

static void ties_are_cut_by_the_order_of_ids(void **unused)
{
    (void)unused;
    struct ranking *r = ranking_new();
    struct model model[ITEMS] = {0};
    for (size_t i = 0; i < ITEMS; i++) {
        char text[32];
        model[i] = (struct model){true, 7, keep(r, id_of(i, text))};
        ranking_add(r, model[i].item, 7);
    }
    for (size_t n = 0; n <= ITEMS; n++) compare(r, model, n);
    ranking_free(r);
}

/* Most items share a bucket and few change at a time: by 1, and where buckets are wide within one. */
static void crowded_buckets_are_followed(void **unused)
{
    (void)unused;
    for (int64_t base = 1; base <= 1000; base *= 1000) {
        struct ranking *r = ranking_new();
        struct model model[ITEMS] = {0};
        state = (uint64_t)base;
        for (int round = 0; round < 3000; round++) {
            size_t i = draw(ITEMS);
            char text[32];
            if (draw(8) == 0) die(r, &model[i]);
            if (!model[i].alive) change(r, &model[i], id_of(i, text));
            int64_t by = base + (int64_t)draw(3) - model[i].count;
            ranking_add(r, model[i].item, by);
            model[i].count += by;
            compare(r, model, draw(20) ? 5 : 1 + draw(ITEMS));
        }
        ranking_free(r);
    }
}

static void counts_may_be_as_great_as_numbers_are(void **unused)
{
    (void)unused;
    struct ranking *r = ranking_new();
    struct model model[ITEMS] = {0};
    for (size_t i = 0; i < 63; i++) {
        char text[32];
        model[i] = (struct model){true, INT64_MAX >> i, keep(r, id_of(i, text))};
        ranking_add(r, model[i].item, model[i].count);
    }
    for (size_t n = 0; n <= 64; n++) compare(r, model, n);
    ranking_free(r);
}

static void memory_of_the_dead_is_used_again(void **unused)
{
    (void)unused;
    struct ranking *r = ranking_new();
    size_t bytes = 0;
    for (size_t i = 0; i < 100000; i++) {
        char text[32];
        uint32_t item = keep(r, id_of(i, text));
        assert_in_range(item, 0, 0);
        drop(r, item);
        if (i == 10) bytes = ranking_bytes(r);
    }
    assert_int_equal(ranking_bytes(r), bytes);
    ranking_free(r);
}

/* The best come down and others rise, all of them, again and again, while few are asked for. */
static void tides_move_the_floor(void **unused)
{
    (void)unused;
    struct ranking *r = ranking_new();
    struct model model[ITEMS] = {0};
    state = 3;
    for (int round = 0; round < 60; round++) {
        int64_t level = round % 3 ? 1 + (int64_t)draw(1000) : 1;
        for (size_t i = 0; i < ITEMS; i++) {
            char text[32];
            if (!model[i].alive) change(r, &model[i], id_of(i, text));
            int64_t by = level + (int64_t)draw(20) - model[i].count;
            ranking_add(r, model[i].item, by);
            model[i].count += by;
            if (i % 7 == 0) compare(r, model, 1 + draw(3));
        }
        if (round % 10 == 9) compare(r, model, ITEMS);
    }
    ranking_free(r);
}

/* As many as are taken at a time; some are new, some come again, some twice. */
static void items_come_and_go_together(void **unused)
{
    (void)unused;
    static char texts[ITEMS][32];
    struct ranking *r = ranking_new();
    state = 9;
    for (int round = 0; round < 300; round++) {
        struct str ids[RANKING_SOME];
        uint32_t items[RANKING_SOME], kept = keep(r, str_of("stays"));
        size_t n = draw(RANKING_SOME + 1);
        for (size_t i = 0; i < n; i++) {
            size_t which = draw(draw(2) ? ITEMS : 5);
            ids[i] = id_of(which, texts[which]);
        }
        ranking_keep(r, ids, n, items);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++)
                assert_int_equal(items[i] == items[k], str_eq(ids[i], ids[k]));
        for (size_t i = 0; i < n; i++) assert_true(items[i] < ranking_numbers(r));
        for (size_t i = 0; i < n; i++) assert_true(items[i] != kept);
        ranking_drop(r, items, n);
        assert_int_equal(ranking_item_n(r), 1);
    }
    ranking_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_is_what_a_sort_gives),
        cmocka_unit_test(ties_are_cut_by_the_order_of_ids),
        cmocka_unit_test(crowded_buckets_are_followed),
        cmocka_unit_test(counts_may_be_as_great_as_numbers_are),
        cmocka_unit_test(memory_of_the_dead_is_used_again),
        cmocka_unit_test(tides_move_the_floor),
        cmocka_unit_test(items_come_and_go_together),
    };
    return cmocka_run_group_tests_name("ranking", tests, NULL, NULL);
}
