/* The newest lines of all partitions, against a model that looks through all batches again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/lines.h"
#include "flow/watermark.h"

enum { PARTITIONS = 4, BATCHES = 60 };

static uint64_t seed;

static int64_t draw(int64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((seed >> 33) % (uint64_t)below);
}

struct world {
    struct batch batches[BATCHES];
    size_t n;
    int64_t to[PARTITIONS];
};

/* Partitions join one after the other, and more and more are known of. */
static void write_batch(struct world *w)
{
    struct batch *b = &w->batches[w->n++];
    int32_t of = w->n < BATCHES / 2 ? PARTITIONS - 1 : PARTITIONS;
    *b = (struct batch){0};
    for (int32_t p = 0; p < of; p++) {
        if (draw(3) || (p == 1 && w->n < 10)) continue;
        int64_t from = w->to[p];
        w->to[p] += draw(5);
        const struct batch_line line = {.partition = p,
                                        .of = of,
                                        .from = from,
                                        .to = w->to[p],
                                        .clock_ms = draw(5) ? draw(1000) : WATERMARK_NONE,
                                        .since_ms = draw(3) ? INT64_MIN : draw(1000),
                                        .idle = draw(2)};
        batch_add_line(b, &line);
    }
}

/* The newest line of a partition, or NULL, and the offset of its batch. */
static const struct batch_line *newest(const struct world *w, int32_t partition,
                                       int64_t *ret_offset)
{
    for (size_t i = w->n; i-- > 0;)
        for (size_t j = 0; j < w->batches[i].line_n; j++)
            if (w->batches[i].lines[j].partition == partition) {
                *ret_offset = (int64_t)i;
                return &w->batches[i].lines[j];
            }
    return NULL;
}

static void compare(const struct lines *l, const struct world *w)
{
    int64_t offset, hold = INT64_MAX, least = INT64_MAX, greatest = INT64_MIN, since = INT64_MIN;
    bool known = true, all_idle = true;
    int32_t of = 0;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        const struct batch_line *line = newest(w, p, &offset);
        if (line && line->of > of) of = line->of;
    }
    for (int32_t p = 0; p < of; p++) {
        const struct batch_line *line = newest(w, p, &offset);
        known &= line != NULL;
        if (!line) continue;
        if (offset < hold) hold = offset;
        if (line->clock_ms > greatest) greatest = line->clock_ms;
        if (line->since_ms > since) since = line->since_ms;
        all_idle &= line->idle;
        if (!line->idle && line->clock_ms < least) least = line->clock_ms;
    }
    assert_int_equal(lines_known(l), known && of > 0);
    assert_true(lines_hold(l) == hold);
    struct lines_clocks clocks = lines_clocks(l);
    assert_int_equal(clocks.all_idle, all_idle);
    assert_true(clocks.greatest_ms == greatest);
    if (!all_idle) assert_true(clocks.least_ms == least);
    if (known && of > 0) assert_true(lines_since(l) == since);
}

static void lines_are_the_newest_of_all_batches(void **state)
{
    (void)state;
    for (uint64_t run = 1; run < 40; run++) {
        static struct world w;
        struct err e = {0};
        memset(&w, 0, sizeof w);
        seed = run;
        struct lines *l = lines_new(true);
        compare(l, &w);
        while (w.n < BATCHES) {
            write_batch(&w);
            assert_true(lines_check(l, &w.batches[w.n - 1], &e));
            lines_take(l, &w.batches[w.n - 1], (int64_t)w.n - 1);
            compare(l, &w);
        }
        lines_free(l);
        for (size_t i = 0; i < w.n; i++) batch_finish(&w.batches[i]);
    }
}

static bool goes_on(struct lines *l, int64_t start, int64_t from, int64_t to)
{
    struct batch b = {0};
    struct err e = {0};
    batch_add_line(&b, &(struct batch_line){.of = 1, .start = start, .from = from, .to = to});
    bool good = lines_check(l, &b, &e);
    if (good) lines_take(l, &b, 0);
    assert_int_equal(e.status, good ? ERR_NONE : ERR_REFUSED);
    batch_finish(&b);
    return good;
}

static void a_chain_has_no_gap_and_no_overlap(void **state)
{
    (void)state;
    struct lines *l = lines_new(true);
    assert_false(goes_on(l, 5, 6, 7)); /* the topic begins in the middle of the group's life */
    assert_true(goes_on(l, 5, 5, 7));
    assert_false(goes_on(l, 5, 6, 9));
    assert_false(goes_on(l, 5, 8, 9));
    assert_true(goes_on(l, 5, 7, 7));
    assert_true(goes_on(l, 5, 7, 9));
    lines_free(l);
    l = lines_new(false); /* after a restart the lines before are not known */
    assert_true(goes_on(l, 5, 70, 71));
    assert_false(goes_on(l, 5, 72, 73));
    lines_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_the_newest_of_all_batches),
        cmocka_unit_test(a_chain_has_no_gap_and_no_overlap),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
