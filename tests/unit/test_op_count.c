/* Rows become sums, and which of them come too late: against the rule, written down once more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "count/op_count.h"

enum { SLIDE = 10, DELAY = 5, LATENESS = 20 };

static const struct window_conf window = {.size_ms = 30, .slide_ms = SLIDE};
static const struct watermark_conf time_conf = {.delay_ms = DELAY, .lateness_ms = LATENESS};

static char behaviors[] = "pv:1,buy:3,look:0";
static const struct op_count_conf weights = {behaviors, 2};

static struct op_count *new_op(void)
{
    struct err e = {0};
    struct op_count *op = op_count_new(&weights, &window, &time_conf, &e);
    assert_non_null(op);
    return op;
}

static bool row(struct op_count *op, int64_t time_ms, const char *item, const char *behavior,
                int64_t *clock_ms)
{
    const struct event event = {
        .time_ms = time_ms, .item = str_of(item), .behavior = str_of(behavior)};
    return op_count_row(op, &event, clock_ms);
}

static int64_t sum_of(const struct batch *b, int64_t pane, const char *item)
{
    for (size_t i = 0; i < b->pane_n; i++) {
        const struct batch_pane *p = &b->panes[i];
        if (p->pane != pane) continue;
        for (size_t k = p->item_first; k < p->item_first + p->item_n; k++)
            if (str_eq(b->items[k].id, str_of(item))) return b->items[k].sum;
    }
    return 0;
}

/* What is in the record: its bytes must outlive b. */
static void take(struct op_count *op, struct buf *record, struct batch *b)
{
    struct err e = {0};
    struct batch lines = {.epoch = 1, .slide_ms = SLIDE};
    batch_add_line(&lines, &(struct batch_line){.of = 1});
    batch_encode_panes(&lines, op_count_panes(op), record);
    batch_finish(&lines);
    assert_false(record->overflow);
    assert_true(batch_decode(b, buf_str(record), &e));
}

static void weights_add_up_by_pane_and_item(void **unused)
{
    (void)unused;
    struct op_count *op = new_op();
    struct batch b = {0};
    struct buf record;
    buf_init(&record, BATCH_MAX_BYTES);
    int64_t clock = WATERMARK_NONE;
    const struct {
        int64_t time_ms;
        const char *item, *behavior;
    } rows[] = {{101, "a", "pv"}, {109, "a", "buy"},  {110, "a", "pv"}, {99, "b", "unknown"},
                {102, "b", NULL}, {103, "c", "look"}, {-1, "a", "pv"},  {-10, "a", "pv"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool late = rows[i].time_ms < 0;
        assert_int_equal(row(op, rows[i].time_ms, rows[i].item, rows[i].behavior, &clock), !late);
    }
    take(op, &record, &b);
    assert_int_equal(b.pane_n, 3);
    assert_true(b.panes[0].pane == 9 && b.panes[1].pane == 10 && b.panes[2].pane == 11);
    assert_int_equal(b.panes[1].events, 4); /* the row of weight 0 is an event of its pane */
    assert_int_equal(b.panes[1].item_n, 2); /* but no item */
    assert_int_equal(sum_of(&b, 10, "a"), 4);
    assert_int_equal(sum_of(&b, 10, "b"), 2);
    assert_int_equal(sum_of(&b, 11, "a"), 1);
    assert_int_equal(sum_of(&b, 9, "b"), 2);
    batch_finish(&b);
    buf_finish(&record);
    op_count_free(op);
}

static void panes_lie_below_zero_too(void **unused)
{
    (void)unused;
    struct op_count *op = new_op();
    struct batch b = {0};
    struct buf record;
    buf_init(&record, BATCH_MAX_BYTES);
    int64_t clock = WATERMARK_NONE;
    const int64_t times[] = {-21, -20, -11, -10, -1, 0};
    for (size_t i = 0; i < COUNT_OF(times); i++) assert_true(row(op, times[i], "a", "pv", &clock));
    take(op, &record, &b);
    assert_int_equal(b.pane_n, 4);
    assert_true(sum_of(&b, -3, "a") == 1 && sum_of(&b, -2, "a") == 2 && sum_of(&b, -1, "a") == 2 &&
                sum_of(&b, 0, "a") == 1);
    batch_finish(&b);
    buf_finish(&record);
    op_count_free(op);
}

static void late_is_what_the_clock_before_says(void **unused)
{
    (void)unused;
    const struct {
        int64_t clock_ms, time_ms;
        bool counted;
        int64_t clock_after_ms;
    } cases[] = {
        {WATERMARK_NONE, -1000, true, -1000}, /* the first row is never late */
        {144, 119, true, 144},                /* pane ends at 120: 120 + 20 > 144 - 5 */
        {145, 119, false, 145},               /* 120 + 20 <= 145 - 5 */
        {145, 120, true, 145},
        {145, 110, false, 145}, /* a pane is taken or refused as a whole */
        {144, 110, true, 144},
        {145, 146, true, 146},
        {145, 1000000, true, 1000000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct op_count *op = new_op();
        int64_t clock = cases[i].clock_ms;
        assert_int_equal(row(op, cases[i].time_ms, "a", "pv", &clock), cases[i].counted);
        assert_int_equal(clock, cases[i].clock_after_ms);
        assert_int_equal(op_count_bytes(op) > 0, cases[i].counted);
        op_count_free(op);
    }
}

/* However far apart the rows of a pane are, its deltas add up to them. */
static void panes_that_come_again_add_up(void **unused)
{
    (void)unused;
    enum { ROWS = 20000, PANES = 300, ITEMS = 7 };
    static int64_t wanted[PANES][ITEMS], found[PANES][ITEMS], events[PANES];
    struct op_count *op = new_op();
    struct batch b = {0};
    struct buf record;
    buf_init(&record, BATCH_MAX_BYTES);
    srandom(1);
    for (int i = 0; i < ROWS; i++) {
        int64_t clock = WATERMARK_NONE, pane = random() % PANES, item = random() % ITEMS;
        char text[] = {(char)('a' + item), 0};
        assert_true(row(op, pane * SLIDE, text, "buy", &clock));
        wanted[pane][item] += 3;
    }
    take(op, &record, &b);
    assert_true(b.pane_n > PANES); /* some were closed and came again */
    for (const struct batch_pane *p = b.panes; p < b.panes + b.pane_n; p++) {
        events[p->pane] += 3 * p->events;
        for (size_t i = p->item_first; i < p->item_first + p->item_n; i++)
            found[p->pane][b.items[i].id.at[0] - 'a'] += b.items[i].sum;
    }
    assert_memory_equal(found, wanted, sizeof wanted);
    for (int i = 0; i < PANES; i++)
        for (int k = 0; k < ITEMS; k++) events[i] -= wanted[i][k];
    for (int i = 0; i < PANES; i++) assert_int_equal(events[i], 0);
    batch_finish(&b);
    buf_finish(&record);
    op_count_free(op);
}

/* Whatever is in a batch, its encoded form is no longer than announced, and a cleared one starts from nothing. */
static void the_size_is_bounded_and_memory_used_again(void **unused)
{
    (void)unused;
    struct op_count *op = new_op();
    struct batch b = {0};
    struct buf out;
    buf_init(&out, BATCH_MAX_BYTES);
    for (int round = 0; round < 3; round++) {
        int64_t clock = WATERMARK_NONE;
        for (int i = 0; i < 3000; i++) {
            char item[300];
            snprintf(item, sizeof item, "%0*d", 1 + i % 250, i);
            assert_true(row(op, 1511500000000 + (i % 4) * SLIDE, item, "buy", &clock));
        }
        size_t announced = op_count_bytes(op);
        take(op, &out, &b);
        assert_in_range(out.len, announced / 2, announced + BATCH_LINE_BYTES);
        assert_int_equal(b.pane_n, 4);
        assert_int_equal(b.item_n, 3000);
        op_count_clear(op);
        assert_int_equal(op_count_bytes(op), 0);
        assert_int_equal(op_count_panes(op)->n, 0);
    }
    buf_finish(&out);
    batch_finish(&b);
    op_count_free(op);
}

static void malformed_weights_are_refused(void **unused)
{
    (void)unused;
    char bad[] = "pv:1,pv:2";
    struct err e = {0};
    assert_null(op_count_new(&(struct op_count_conf){bad, 1}, &window, &time_conf, &e));
    assert_int_equal(e.status, ERR_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_add_up_by_pane_and_item),
        cmocka_unit_test(panes_lie_below_zero_too),
        cmocka_unit_test(late_is_what_the_clock_before_says),
        cmocka_unit_test(panes_that_come_again_add_up),
        cmocka_unit_test(the_size_is_bounded_and_memory_used_again),
        cmocka_unit_test(malformed_weights_are_refused),
    };
    return cmocka_run_group_tests_name("op_count", tests, NULL, NULL);
}
