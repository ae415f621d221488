/* Commit metadata, and what count and recommend go on with after it: the next batch and the next commit can be written
 * and are read. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "count/ledger.h"
#include "flow/meta.h"
#include "fuzz.h"
#include "recommend/settings.h"

static const struct window_conf window = {.size_ms = 3600000, .slide_ms = 300000};
static const struct watermark_conf time_conf = {10000, 60000, 5000};
static const struct rounds_conf rounds_conf = {.interval_ms = 300000, .time = {10000, 60000, 5000}};

static void fields(const char *text)
{
    struct err e = {0};
    char again[CHECKPOINT_METADATA_BYTES];
    int64_t a, b, c, found, x, y;
    struct meta_field one[] = {{"clock", &a}, {"row", &b}}, two[] = {{"clock", &x}, {"row", &y}};
    bool there = meta_find(text, "clock", &c);
    if (!meta_read(text, 1, one, COUNT_OF(one), &e)) {
        assert(e.status == ERR_REFUSED);
        return;
    }
    assert(there && c == a);
    meta_write(again, 1, one, COUNT_OF(one));
    bool good = meta_read(again, 1, two, COUNT_OF(two), &e) && meta_find(again, "v", &found);
    assert(good && found == 1 && a == x && b == y);
}

static void batch_of(const struct ledger *l)
{
    struct batch b = {.epoch = 1, .slide_ms = window.slide_ms}, again = {0};
    struct err e = {0};
    struct buf record;
    buf_init(&record, BATCH_MAX_BYTES);
    ledger_lines(l, 4, &b);
    batch_encode(&b, &record);
    bool good = batch_decode(&again, buf_str(&record), &e);
    assert(good);
    batch_finish(&again);
    batch_finish(&b);
    buf_finish(&record);
}

static void count(const struct checkpoint *commit)
{
    const struct ledger_conf conf = {&window, &time_conf, 1, 2};
    struct ledger l;
    struct checkpoint next;
    struct err e = {0};
    ledger_init(&l, &conf);
    if (ledger_open(&l, commit, 1, &e)) {
        struct account *a = ledger_account(&l, commit->partition);
        watermark_late(&time_conf, a->clock_ms, 1511544070000, window.slide_ms);
        batch_of(&l);
        ledger_row(&l, a, commit->offset, 0);
        ledger_seen(&l, a, 1511544070000);
        ledger_record(&l, a, commit->offset + 1);
        batch_of(&l);
        ledger_marks(&l, &next);
        ledger_close(&l);
        bool good = ledger_open(&l, &next, 1, &e);
        assert(good);
    }
    ledger_finish(&l);
}

/* One row, and the commit after it. */
static void go_on(struct rounds *r, int64_t offset)
{
    const struct event event = {.time_ms = 1511544070000,
                                .user = str_of("7"),
                                .item = str_of("8"),
                                .position = {3, offset, 0}};
    rounds_begin(r, offset);
    enum rounds_verdict verdict = rounds_row(r, &event);
    rounds_reach(r, offset + 1);
    struct rounds_mark mark = rounds_mark(r);
    assert(mark.offset == (verdict == ROUNDS_KEPT ? offset : offset + 1));
    rounds_committed(r);
}

static void recommend(const struct checkpoint *commit)
{
    const struct settings settings = {7, 1, 1, 4, false};
    struct rounds_mark mark;
    struct err e = {0};
    if (!settings_read(&settings, commit, &mark, &e)) return;
    struct checkpoint again = *commit;
    struct rounds rounds;
    rounds_init(&rounds, &rounds_conf, commit->partition, &mark);
    go_on(&rounds, commit->offset);
    mark = rounds_mark(&rounds);
    settings_write(&settings, &mark, again.metadata);
    bool good = settings_read(&settings, &again, &mark, &e);
    assert(good);
    rounds_finish(&rounds);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct checkpoint commit = {.partition = 3, .offset = 40};
    if (n >= sizeof commit.metadata) n = sizeof commit.metadata - 1;
    if (n) memcpy(commit.metadata, at, n);
    fields(commit.metadata);
    count(&commit);
    recommend(&commit);
    return 0;
}
