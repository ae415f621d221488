/* The generator: the same seed makes the same log, time never goes back, and there is something to learn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "synth/crowd.h"

struct world {
    struct dice dice;
    struct shop *shop;
    struct crowd *crowd;
};

static void make(struct world *w, uint64_t seed)
{
    const struct shop_conf shop = {
        .items = 200, .zipf = 1, .follow = 0.6, .drift_ms = 0, .start_ms = 1000};
    const struct crowd_conf crowd = {
        .users = 50, .rate = 10, .session_rows = 8, .session_gap_s = 2, .start_ms = 1000};
    dice_init(&w->dice, seed);
    w->shop = shop_new(&shop, &w->dice);
    w->crowd = crowd_new(&crowd, w->shop, &w->dice);
}

static void end(struct world *w)
{
    crowd_free(w->crowd);
    shop_free(w->shop);
}

static void same_seed_same_log(void **state)
{
    (void)state;
    struct world a, b, c;
    make(&a, 1), make(&b, 1), make(&c, 2);
    int differ = 0;
    for (int i = 0; i < 10000; i++) {
        struct crowd_act x = crowd_next(a.crowd), y = crowd_next(b.crowd), z = crowd_next(c.crowd);
        assert_true(x.time_ms == y.time_ms && x.user == y.user && x.item == y.item);
        differ += x.user != z.user || x.item != z.item;
    }
    assert_true(differ > 9000);
    end(&a), end(&b), end(&c);
}

static void time_goes_on_at_the_rate(void **state)
{
    (void)state;
    struct world w;
    make(&w, 3);
    int64_t first = 0, last = 0;
    for (int i = 0; i < 50000; i++) {
        struct crowd_act act = crowd_next(w.crowd);
        assert_true(act.time_ms >= last && act.user >= 1 && act.user <= 50 && act.item >= 1 &&
                    act.item <= 200);
        last = act.time_ms;
        if (i == 0) first = last;
    }
    double rate = 50000 * 1000.0 / (double)(last - first);
    assert_true(rate > 8 && rate < 12);
    end(&w);
}

/* The most frequent successor follows an item far more often than popularity alone would have it. */
static void one_item_leads_to_another(void **state)
{
    (void)state;
    struct world w;
    make(&w, 4);
    int64_t last[51] = {0};
    int *pairs = mem_zero(201 * 201, sizeof *pairs), *seen = mem_zero(201, sizeof *seen),
        strong = 0;
    for (int i = 0; i < 100000; i++) {
        struct crowd_act act = crowd_next(w.crowd);
        if (last[act.user]) pairs[last[act.user] * 201 + act.item]++, seen[last[act.user]]++;
        last[act.user] = act.item;
    }
    for (int a = 1; a <= 200; a++)
        for (int b = 1; b <= 200; b++) strong += seen[a] > 100 && pairs[a * 201 + b] > seen[a] / 5;
    assert_true(strong >= 100);
    free(pairs);
    free(seen);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_log),
        cmocka_unit_test(time_goes_on_at_the_rate),
        cmocka_unit_test(one_item_leads_to_another),
    };
    return cmocka_run_group_tests_name("crowd", tests, NULL, NULL);
}
