/* Whom a wave takes: as many as fit into one command, from each partition its share, in turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recommend/wave.h"

enum { PARTS = 3, L = 20 };

static const struct rounds_conf conf = {L, {.delay_ms = 10, .lateness_ms = 40}};

struct fixture {
    struct rounds rounds[PARTS], *parts[PARTS];
    struct metrics *metrics;
    struct wave_parts stores;
    struct wave *wave;
};

/* A partition with n users of a closed and committed round, and one of an open one. */
static void fill(struct rounds *r, int32_t partition, int n)
{
    const struct rounds_mark nothing = {
        0, {WATERMARK_NONE, WATERMARK_NONE}, WATERMARK_NONE, ROUNDS_NO_CUT, WATERMARK_NONE};
    rounds_init(r, &conf, partition, &nothing);
    rounds_begin(r, 0);
    for (int i = 0; i <= n; i++) {
        char user[32];
        snprintf(user, sizeof user, "%d of %d", i, partition);
        (void)rounds_row(r, &(struct event){.position = {partition, 0, i},
                                            .time_ms = i < n ? 100 : 130,
                                            .user = str_of(user),
                                            .item = str_of("item")});
    }
    rounds_reach(r, 1);
    rounds_committed(r);
}

static void open_wave(struct fixture *f, size_t k, size_t n, const int users[PARTS])
{
    char url[] = "http://127.0.0.1:1", algorithm[] = "none";
    struct err e = {0};
    const struct client_conf client = {.url = url,
                                       .algorithm = algorithm,
                                       .timeout_ms = 1000,
                                       .budget_ms = 1000,
                                       .batch = 1,
                                       .connections = 1};
    *f = (struct fixture){.metrics = metrics_new()};
    f->stores.metrics = f->metrics;
    f->stores.cache = cache_new(1);
    f->stores.client = client_new(&client, f->metrics, &e);
    if (!f->stores.client) fail_msg("%s", e.text);
    f->wave = wave_new(&(struct wave_conf){.k = k, .n = n}, &f->stores);
    for (int32_t p = 0; p < PARTS; p++) {
        fill(&f->rounds[p], p, users[p]);
        f->parts[p] = &f->rounds[p];
    }
}

static void close_wave(struct fixture *f)
{
    wave_free(f->wave);
    client_free(f->stores.client);
    cache_free(f->stores.cache);
    for (int p = 0; p < PARTS; p++) rounds_finish(&f->rounds[p]);
    metrics_free(f->metrics);
}

static int64_t in_flight(const struct fixture *f)
{
    return metrics_value(metrics_gauge(f->metrics, "in_flight", "", ""));
}

static int taken(const struct rounds *r)
{
    int n = 0;
    for (size_t i = 0; i < r->n; i++)
        for (size_t j = 0; j < r->buckets[i]->n; j++)
            n += r->buckets[i]->users[j].state == ROUNDS_TAKEN;
    return n;
}

static void expect(struct fixture *f, size_t part_n, int first, int second, int third)
{
    (void)wave_start(f->wave, f->parts, part_n, NULL);
    int found[PARTS] = {taken(&f->rounds[0]), taken(&f->rounds[1]), taken(&f->rounds[2])};
    if (found[0] != first || found[1] != second || found[2] != third)
        fail_msg("%d %d %d", found[0], found[1], found[2]);
    assert_int_equal(in_flight(f), first + second + third);
    assert_int_equal(wave_busy(f->wave), in_flight(f) > 0);
}

static void as_many_as_a_wave_holds(void **state)
{
    (void)state;
    const struct {
        size_t k, n;
        int max;
    } cases[] = {
        {10, 8, 768},  /* never more */
        {15, 30, 524}, /* (40 << 20) / (15 * (4096 + 256 + 160) + 30 * (256 + 16) + 4096) = 524.7 */
        {28, 10, 315}, /* 315.001 */
        {58, 5, 157},  /* 157.0007 */
        {147, 300, 56}, /* 56.002 */
        {1, 1000, 149}, /* 149.5 */
        {200, 1000, 35},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture f;
        open_wave(&f, cases[i].k, cases[i].n, (const int[PARTS]){900, 0, 0});
        expect(&f, 1, cases[i].max, 0, 0);
        close_wave(&f);
    }
}

/* 35 users fit: 11 of each of three partitions, and two more of whoever has more. */
static void shares_are_fair_and_taken_in_turns(void **state)
{
    (void)state;
    const struct {
        int users[PARTS], waves[PARTS][PARTS];
    } cases[] = {
        {{600, 600, 600}, {{13, 11, 11}, {11, 13, 11}, {11, 11, 13}}},
        {{600, 5, 600}, {{19, 5, 11}, {11, 5, 19}, {11, 5, 19}}},
        {{3, 5, 7}, {{3, 5, 7}, {3, 5, 7}, {3, 5, 7}}},
        {{0, 0, 0}, {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}},
        {{3, 0, 32}, {{3, 0, 32}, {3, 0, 32}, {3, 0, 32}}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int turns = 0; turns < PARTS; turns++) {
            struct fixture f;
            open_wave(&f, 200, 1000, (const int[PARTS]){0, 0, 0});
            for (int t = 0; t < turns; t++) expect(&f, PARTS, 0, 0, 0);
            for (int32_t p = 0; p < PARTS; p++) {
                rounds_finish(&f.rounds[p]);
                fill(&f.rounds[p], p, cases[i].users[p]);
            }
            const int *wanted = cases[i].waves[turns];
            expect(&f, PARTS, wanted[0], wanted[1], wanted[2]);
            wave_drop(f.wave);
            assert_int_equal(in_flight(&f), 0);
            assert_false(wave_busy(f.wave));
            close_wave(&f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_a_wave_holds),
        cmocka_unit_test(shares_are_fair_and_taken_in_turns),
    };
    return cmocka_run_group_tests_name("wave", tests, NULL, NULL);
}
