/* The record of weir-panes: what goes in comes out, and nothing else is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/wire.h"
#include "flow/batch.h"
#include "flow/event.h"
#include "flow/watermark.h"
#include "flow/window.h"

static void fill(struct batch *b)
{
    b->epoch = 3;
    b->slide_ms = 300000;
    batch_add_line(
        b, &(struct batch_line){
               .partition = 0, .of = 4, .from = 7, .to = 9, .clock_ms = -5, .since_ms = INT64_MIN});
    batch_add_line(b, &(struct batch_line){.partition = 3,
                                           .of = 4,
                                           .start = 2,
                                           .from = 2,
                                           .to = INT64_MAX,
                                           .clock_ms = WATERMARK_NONE,
                                           .since_ms = INT64_MAX,
                                           .idle = true});
    batch_add_pane(b, -2, 1);
    batch_add_item(b, str_of("a \"quoted\" id"), 1);
    batch_add_pane(b, 5000000, BATCH_SUM_MAX);
    batch_add_item(b, str_of("12"), BATCH_SUM_MAX);
    batch_add_item(b, str_of("\xe2\x82\xac"), 2);
    batch_add_pane(b, 5000001, 3); /* three rows of weight 0 */
}

static struct buf encoded(const struct batch *b)
{
    struct buf out;
    buf_init(&out, BATCH_MAX_BYTES);
    batch_encode(b, &out);
    assert_false(out.overflow);
    return out;
}

static void what_goes_in_comes_out(void **unused)
{
    (void)unused;
    struct batch a = {0}, b = {0};
    struct err e = {0};
    fill(&a);
    struct buf record = encoded(&a);
    assert_int_equal(record.at[0], 1); /* the version comes first */
    for (int again = 0; again < 2; again++) assert_true(batch_decode(&b, buf_str(&record), &e));
    assert_int_equal(b.epoch, 3);
    assert_int_equal(b.slide_ms, 300000);
    assert_int_equal(b.line_n, a.line_n);
    for (size_t i = 0; i < a.line_n; i++) {
        const struct batch_line *x = &a.lines[i], *y = &b.lines[i];
        assert_true(x->partition == y->partition && x->of == y->of && x->start == y->start);
        assert_true(x->from == y->from && x->to == y->to && x->clock_ms == y->clock_ms);
        assert_true(x->since_ms == y->since_ms && x->idle == y->idle);
    }
    assert_int_equal(b.pane_n, a.pane_n);
    assert_memory_equal(b.panes, a.panes, a.pane_n * sizeof a.panes[0]);
    assert_int_equal(b.item_n, a.item_n);
    for (size_t i = 0; i < a.item_n; i++)
        assert_true(b.items[i].sum == a.items[i].sum && str_eq(b.items[i].id, a.items[i].id));
    buf_finish(&record);
    batch_finish(&a);
    batch_finish(&b);
}

static bool taken(const char *bytes, size_t len)
{
    struct batch b = {0};
    struct err e = {0};
    char *copy = mem_dup(bytes, len); /* exactly as long, for the sanitizer */
    bool good = batch_decode(&b, (struct str){copy, len}, &e);
    if (!good) assert_int_equal(e.status, ERR_REFUSED);
    if (!good) assert_true(!b.line_n && !b.pane_n && !b.item_n);
    free(copy);
    batch_finish(&b);
    return good;
}

static void test_33_altered_bytes_are_no_batch(void **unused)
{
    (void)unused;
    struct batch a = {0};
    fill(&a);
    struct buf record = encoded(&a);
    for (size_t len = 0; len < record.len; len++) assert_false(taken(record.at, len));
    for (size_t bit = 0; bit < record.len * 8; bit++) {
        record.at[bit / 8] = (char)(record.at[bit / 8] ^ 1 << bit % 8);
        assert_false(taken(record.at, record.len));
        record.at[bit / 8] = (char)(record.at[bit / 8] ^ 1 << bit % 8);
    }
    assert_true(taken(record.at, record.len));
    buf_finish(&record);
    batch_finish(&a);
}

/* Whoever can write to the topic can seal what he wrote: cut and changed bytes under a good checksum. */
static void sealed_nonsense_does_no_harm(void **unused)
{
    (void)unused;
    struct batch a = {0};
    fill(&a);
    struct buf record = encoded(&a), forged;
    buf_init(&forged, BATCH_MAX_BYTES);
    size_t body = record.len - 8, good_n = 0;
    for (size_t i = 0; i < body * 256; i++) {
        buf_clear(&forged);
        buf_add(&forged, record.at, body);
        forged.at[i / 256] = (char)(i % 256);
        wire_seal(&forged);
        good_n += taken(forged.at, forged.len);
    }
    assert_in_range(good_n, body, body * 128);
    for (size_t len = 0; len < body; len++) {
        buf_clear(&forged);
        buf_add(&forged, record.at, len);
        wire_seal(&forged);
        assert_false(taken(forged.at, forged.len));
    }
    buf_finish(&forged);
    buf_finish(&record);
    batch_finish(&a);
}

static void break_line(struct batch *b, size_t which)
{
    struct batch_line *l = &b->lines[1];
    if (which == 0) l->partition = 0; /* twice */
    if (which == 1) l->of = 3;        /* beyond what there is */
    if (which == 2) l->clock_ms = WINDOW_TIME_MAX_MS + 1;
    if (which == 3) b->panes[1].pane = INT64_MIN / 2;
    if (which == 4) b->panes[2].pane = INT64_MAX;
    if (which == 5) b->items[0].sum = 0;
    if (which == 6) b->items[0].sum = BATCH_SUM_MAX + 1;
    if (which == 7) b->items[0].id.len = 0;
    if (which == 8) b->slide_ms = 0;
    if (which == 9) b->line_n = 0;
    if (which == 10) l->of = BATCH_PARTITIONS_MAX + 1;
    if (which == 11) b->panes[0].events = -1;
}

static void every_value_is_bounded(void **unused)
{
    (void)unused;
    for (size_t which = 0; which <= 12; which++) {
        struct batch b = {0};
        fill(&b);
        break_line(&b, which);
        struct buf record = encoded(&b);
        assert_int_equal(taken(record.at, record.len), which == 12);
        buf_finish(&record);
        batch_finish(&b);
    }
}

enum what { SINCE, CLOCK, FIRST_PANE, LAST_PANE, SLIDE_MS, ID_BYTES, PARTITION };

static void put(struct batch *b, enum what what, int64_t value)
{
    static const char id[EVENT_KEY_MAX + 1] = {0};
    if (what == SINCE) b->lines[1].since_ms = value;
    if (what == CLOCK) b->lines[1].clock_ms = value;
    if (what == FIRST_PANE) b->panes[0].pane = value;
    if (what == LAST_PANE) b->panes[2].pane = value;
    if (what == SLIDE_MS) b->slide_ms = value;
    if (what == ID_BYTES) b->items[0].id = (struct str){id, (size_t)value};
    if (what == PARTITION)
        b->lines[1].partition = (int32_t)value, b->lines[1].of = BATCH_PARTITIONS_MAX;
}

static void every_bound_is_where_it_is_said_to_be(void **unused)
{
    (void)unused;
    const int64_t most = WINDOW_TIME_MAX_MS, last = most / 300000;
    const struct {
        enum what what;
        int64_t value;
        bool good;
    } cases[] = {
        {SINCE, -most, true},          {SINCE, -most - 1, false},
        {SINCE, 2 * most, true},       {SINCE, 2 * most + 1, false},
        {CLOCK, most, true},           {CLOCK, most + 1, false},
        {FIRST_PANE, -last - 1, true}, {FIRST_PANE, -last - 2, false},
        {LAST_PANE, last, true},       {LAST_PANE, last + 1, false},
        {SLIDE_MS, 1, true},           {SLIDE_MS, most, false},
        {ID_BYTES, 1, true},           {ID_BYTES, 256, true},
        {ID_BYTES, 257, false},        {PARTITION, 9999, true},
        {PARTITION, 10000, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct batch b = {0};
        fill(&b);
        put(&b, cases[i].what, cases[i].value);
        struct buf record = encoded(&b);
        if (taken(record.at, record.len) != cases[i].good) fail_msg("case %zu", i);
        buf_finish(&record);
        batch_finish(&b);
    }
}

/* Counts are believed as far as their shortest lines, panes and items fit into what is left. */
static void the_shortest_forms_are_taken(void **unused)
{
    (void)unused;
    enum { MANY = 20 };
    for (int which = 0; which < 3; which++) {
        struct batch b = {.epoch = 1, .slide_ms = 1};
        for (int32_t i = 0; i < (which == 0 ? MANY : 1); i++)
            batch_add_line(&b, &(struct batch_line){.partition = i, .of = MANY});
        for (int64_t i = 0; i < (which == 1 ? MANY : 1) && which; i++) batch_add_pane(&b, i, 0);
        for (size_t i = 0; i < MANY && which == 2; i++) batch_add_item(&b, str_of("x"), 1);
        struct buf record = encoded(&b);
        assert_true(taken(record.at, record.len));
        buf_finish(&record);
        batch_finish(&b);
    }
}

static void a_flag_is_0_or_1(void **unused)
{
    (void)unused;
    for (char flag = 0; flag <= 2; flag++) {
        struct batch b = {.epoch = 1, .slide_ms = 1};
        batch_add_line(&b, &(struct batch_line){.of = 1});
        struct buf record = encoded(&b);
        record.len -= 8;                  /* the checksum */
        record.at[record.len - 2] = flag; /* idle; behind it there is only the number of panes */
        wire_seal(&record);
        assert_int_equal(taken(record.at, record.len), flag < 2);
        buf_finish(&record);
        batch_finish(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(test_33_altered_bytes_are_no_batch),
        cmocka_unit_test(sealed_nonsense_does_no_harm),
        cmocka_unit_test(every_value_is_bounded),
        cmocka_unit_test(every_bound_is_where_it_is_said_to_be),
        cmocka_unit_test(the_shortest_forms_are_taken),
        cmocka_unit_test(a_flag_is_0_or_1),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
