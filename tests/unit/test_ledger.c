/* What weir-count remembers of its partitions, tells of them, and finds again after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "count/ledger.h"

static const struct window_conf window = {.size_ms = 30, .slide_ms = 10};
static const struct watermark_conf time_conf = {
    .delay_ms = 5, .lateness_ms = 20, .idle_timeout_ms = 100};
static const struct ledger_conf conf = {&window, &time_conf, 3, 77};

static struct checkpoint first(int32_t partition, int64_t offset)
{
    struct checkpoint c = {.partition = partition, .offset = offset};
    ledger_first(&conf, c.metadata);
    return c;
}

static struct ledger open_one(struct checkpoint c)
{
    struct ledger l;
    struct err e = {0};
    ledger_init(&l, &conf);
    if (!ledger_open(&l, &c, 1, &e)) fail_msg("%s", e.text);
    return l;
}

static struct batch_line line_of(const struct ledger *l, size_t i)
{
    struct batch b = {0};
    ledger_lines(l, 4, &b);
    assert_int_equal(b.line_n, l->n);
    struct batch_line line = b.lines[i];
    batch_finish(&b);
    return line;
}

static void since_is_where_panes_begin_to_be_whole(void **unused)
{
    (void)unused;
    const struct {
        int64_t start, time_ms, since_ms;
    } cases[] = {{0, 101, INT64_MIN}, {1, 101, 140}, {1, 109, 140}, {1, 110, 150}, {1, -101, -70}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ledger l = open_one(first(2, cases[i].start));
        struct account *a = ledger_account(&l, 2);
        assert_int_equal(line_of(&l, 0).since_ms, cases[i].start ? INT64_MAX : INT64_MIN);
        ledger_seen(&l, a, cases[i].time_ms);
        ledger_seen(&l, a, cases[i].time_ms + 1000); /* only the first counts */
        assert_int_equal(line_of(&l, 0).since_ms, cases[i].since_ms);
        assert_int_equal(line_of(&l, 0).start, cases[i].start);
        ledger_finish(&l);
    }
}

static void a_sure_time_at_a_pane_is_since_itself(void **unused)
{
    (void)unused;
    const struct watermark_conf even = {.delay_ms = 0, .lateness_ms = 20};
    const struct ledger_conf other = {&window, &even, 3, 77};
    struct ledger l = open_one(first(2, 1));
    l.conf = other;
    ledger_seen(&l, ledger_account(&l, 2), 101);
    assert_int_equal(line_of(&l, 0).since_ms, 130); /* 110 + 20 */
    ledger_finish(&l);
}

static void a_restart_finds_what_was_committed(void **unused)
{
    (void)unused;
    struct ledger l = open_one(first(2, 40));
    struct account *a = ledger_account(&l, 2);
    ledger_seen(&l, a, 1000);
    a->clock_ms = 1000;
    a->counted_n = 9;
    ledger_record(&l, a, 40);
    ledger_row(&l, a, 41, 6);
    struct batch_line told = line_of(&l, 0);
    struct checkpoint mark;
    ledger_marks(&l, &mark);
    assert_int_equal(mark.offset, 41);
    assert_in_range(strlen(mark.metadata), 20, CHECKPOINT_METADATA_BYTES - 1);
    ledger_finish(&l);

    l = open_one(mark);
    a = ledger_account(&l, 2);
    assert_true(a->offset == 41 && a->row == 7 && a->counted_n == 9 && a->clock_ms == 1000);
    struct batch_line next = line_of(&l, 0);
    assert_true(next.from == told.to && next.start == 40 && next.since_ms == told.since_ms);
    assert_true(next.clock_ms == 1000 && !next.idle);
    ledger_finish(&l);
}

static bool opens(const char *numbers)
{
    struct checkpoint c = {.partition = 2, .offset = 40};
    struct ledger l;
    struct err e = {0};
    snprintf(c.metadata, sizeof c.metadata, "v=1 epoch=3 slide=10 rules=77 %s", numbers);
    ledger_init(&l, &conf);
    bool good = ledger_open(&l, &c, 1, &e);
    assert_int_equal(e.status, good ? ERR_NONE : ERR_REFUSED);
    ledger_finish(&l);
    return good;
}

/* Rank would refuse the next batch, for ever. */
static void numbers_that_cannot_be_are_refused(void **unused)
{
    (void)unused;
    static const char *const good[] = {
        "row=7 clock=1000 start=40 since=30 counted=9",
        "row=0 clock=- start=- since=+ counted=0",
        "row=2147483647 clock=8640000000000000 start=0 since=- counted=0",
        "row=0 clock=-8640000000000000 start=40 since=-8640000000000000 counted=0",
    };
    static const char *const bad[] = {
        "row=-1 clock=1000 start=40 since=30 counted=9",
        "row=2147483648 clock=1000 start=40 since=30 counted=9",
        "row=7 clock=8640000000000001 start=40 since=30 counted=9",
        "row=7 clock=-8640000000000001 start=40 since=30 counted=9",
        "row=7 clock=+ start=40 since=30 counted=9",
        "row=7 clock=1000 start=41 since=30 counted=9",
        "row=7 clock=1000 start=-1 since=30 counted=9",
        "row=7 clock=1000 start=40 since=-8640000000000001 counted=9",
        "row=7 clock=1000 start=40 since=17280000000000001 counted=9",
        "row=7 clock=1000 start=40 since=30 counted=-1",
        "row=7 clock=1000 start=40 since=30 counted=+",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (!opens(good[i])) fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (opens(bad[i])) fail_msg("taken: %s", bad[i]);
}

static void lines_form_a_chain(void **unused)
{
    (void)unused;
    struct ledger l = open_one(first(0, 7));
    struct account *a = ledger_account(&l, 0);
    assert_true(l.changed); /* a new owner speaks up */
    ledger_told(&l);
    assert_false(l.changed);
    ledger_record(&l, a, 9); /* 8 was a transaction's marker */
    assert_true(l.changed);
    assert_true(line_of(&l, 0).from == 7 && line_of(&l, 0).to == 10 && line_of(&l, 0).of == 4);
    ledger_told(&l);
    ledger_end(&l, a, 10, 0);
    assert_false(l.changed);
    ledger_end(&l, a, 12, 0);
    assert_true(l.changed);
    assert_true(line_of(&l, 0).from == 10 && line_of(&l, 0).to == 12);
    ledger_finish(&l);
}

static bool yes(void *ctx, int32_t partition)
{
    (void)ctx;
    (void)partition;
    return true;
}

static bool no(void *ctx, int32_t partition)
{
    (void)ctx;
    (void)partition;
    return false;
}

static void only_the_end_and_silence_make_idle(void **unused)
{
    (void)unused;
    struct ledger l = open_one(first(0, 0));
    struct account *a = ledger_account(&l, 0);
    ledger_time(&l, 1000000, yes, NULL);
    assert_false(a->idle); /* slow is not idle */
    ledger_end(&l, a, 0, 1000000);
    ledger_time(&l, 1000099, yes, NULL);
    assert_false(a->idle);
    ledger_time(&l, 1000099, no, NULL);
    ledger_time(&l, 1000198, yes, NULL);
    assert_false(a->idle); /* it was not read meanwhile */
    ledger_told(&l);
    ledger_time(&l, 1000199, yes, NULL);
    assert_true(a->idle && l.changed && line_of(&l, 0).idle);
    ledger_end(&l, a, 0, 1000300);
    assert_true(a->idle);
    ledger_record(&l, a, 0);
    assert_false(a->idle || line_of(&l, 0).idle);
    ledger_time(&l, 2000000, yes, NULL);
    assert_false(a->idle);
    ledger_finish(&l);
}

static void the_least_clock_is_of_those_awake(void **unused)
{
    (void)unused;
    struct err e = {0};
    struct ledger l;
    struct checkpoint parts[] = {first(3, 0), first(1, 0), first(2, 0)};
    ledger_init(&l, &conf);
    assert_true(ledger_open(&l, parts, 3, &e));
    assert_true(l.at[0].partition == 1 && l.at[2].partition == 3); /* as batches want them */
    ledger_time(&l, 0, yes, NULL);
    assert_true(l.least_ms == WATERMARK_NONE);
    ledger_account(&l, 3)->clock_ms = 50;
    ledger_account(&l, 1)->clock_ms = 40;
    ledger_time(&l, 0, yes, NULL);
    assert_int_equal(l.least_ms, 40);
    ledger_account(&l, 1)->idle = true;
    ledger_time(&l, 0, yes, NULL);
    assert_int_equal(l.least_ms, 50);
    ledger_finish(&l);
}

static void other_rules_are_refused(void **unused)
{
    (void)unused;
    const struct window_conf other_window = {.size_ms = 30, .slide_ms = 15};
    const struct ledger_conf others[] = {{&window, &time_conf, 4, 77},
                                         {&window, &time_conf, 3, 78},
                                         {&other_window, &time_conf, 3, 77}};
    struct checkpoint mark = first(0, 5);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct ledger l;
        struct err e = {0};
        ledger_init(&l, &others[i]);
        assert_false(ledger_open(&l, &mark, 1, &e));
        assert_int_equal(e.status, ERR_REFUSED);
        assert_non_null(strstr(e.text, "weir-reset ranking"));
        ledger_finish(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(since_is_where_panes_begin_to_be_whole),
        cmocka_unit_test(a_sure_time_at_a_pane_is_since_itself),
        cmocka_unit_test(a_restart_finds_what_was_committed),
        cmocka_unit_test(numbers_that_cannot_be_are_refused),
        cmocka_unit_test(lines_form_a_chain),
        cmocka_unit_test(only_the_end_and_silence_make_idle),
        cmocka_unit_test(the_least_clock_is_of_those_awake),
        cmocka_unit_test(other_rules_are_refused),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
