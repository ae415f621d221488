/* Batches that anybody might have written: each is refused, or the windows that come of it are in order. */
#include <assert.h>
#include <stdlib.h>

#include "flow/windows.h"
#include "fuzz.h"

enum { PARTITIONS = 3, CONFS = 3 };

#define DAY_MS INT64_C(86400000)

static const struct window_conf window_confs[CONFS] = {
    {.size_ms = 30, .slide_ms = 10, .n = 4, .history = 5},
    {.size_ms = 3600000, .slide_ms = 300000, .n = 100, .history = 288},
    {.size_ms = 366 * DAY_MS, .slide_ms = 366 * DAY_MS, .n = 1, .history = 1000},
};
static const struct watermark_conf time_confs[CONFS] = {
    {.delay_ms = 5, .lateness_ms = 20},
    {.delay_ms = 10000, .lateness_ms = 0},
    {.delay_ms = 366 * DAY_MS, .lateness_ms = 366 * DAY_MS},
};

struct view {
    int64_t start_ms, end_ms, version;
};

static bool show(void *ctx, const struct windows_view *v, struct err *e)
{
    (void)e;
    struct view *before = ctx;
    int64_t sum = 0;
    assert(v->end_ms > before->end_ms || before->end_ms == INT64_MIN);
    assert(v->start_ms < v->end_ms && v->events >= 0);
    for (size_t i = 0; i < v->place_n; i++) {
        assert(v->places[i].count >= 1);
        assert(i == 0 || v->places[i].count <= v->places[i - 1].count);
        sum += v->places[i].count;
    }
    assert(sum >= 0);
    before->end_ms = v->end_ms;
    return true;
}

static void show_all(struct windows *w, const struct windows_conf *conf)
{
    struct err e = {0};
    struct view before = {.end_ms = INT64_MIN};
    bool shown = windows_show(w, show, &before, &e);
    assert(shown);
    windows_shown(w);
    assert(!windows_due(w) && !windows_urgent(w));
    struct windows_mark mark = windows_mark(w);
    assert(windows_mark_sane(conf, &mark));
}

/* A time near zero, near the newest one, or as far as the record holds. */
static int64_t time_of(struct fuzz *f, int64_t near_ms)
{
    uint64_t kind = fuzz_take(f, 1);
    int64_t more = (int64_t)fuzz_take(f, kind / 8 % 4 + 1);
    switch (kind % 8) {
    case 0: return WATERMARK_NONE;
    case 1: return WINDOW_TIME_MAX_MS - more;
    case 2: return more - WINDOW_TIME_MAX_MS;
    case 3: return -more;
    case 4: return near_ms - more;
    default: return near_ms > WINDOW_TIME_MAX_MS - more ? near_ms : near_ms + more;
    }
}

static void add_lines(struct batch *b, struct fuzz *f, struct batch_line lines[PARTITIONS])
{
    uint64_t which = fuzz_take(f, 1);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct batch_line *l = &lines[p];
        if (!(which >> p & 1)) continue;
        l->partition = p;
        l->of = which & 64 ? PARTITIONS : p + 1;
        l->from = l->to + (which >> 3 == 31); /* seldom a broken chain */
        l->to = l->from + (int64_t)fuzz_take(f, 1);
        l->clock_ms = time_of(f, l->clock_ms == WATERMARK_NONE ? 0 : l->clock_ms);
        l->idle = which & 128;
        batch_add_line(b, l);
    }
}

static void add_panes(struct batch *b, struct fuzz *f, int64_t clock_ms)
{
    static const char *const ids[] = {"1", "2", "10", "a"};
    int64_t time_ms = time_of(f, clock_ms == WATERMARK_NONE ? 0 : clock_ms);
    int64_t pane =
        time_ms == WATERMARK_NONE ? 0 : watermark_floor(time_ms, b->slide_ms) / b->slide_ms;
    for (uint64_t n = fuzz_take(f, 1) % 4; n; n--, pane += 1 + (int64_t)fuzz_take(f, 1)) {
        batch_add_pane(b, pane, (int64_t)(fuzz_take(f, 5) & (BATCH_SUM_MAX - 1)));
        for (uint64_t i = fuzz_take(f, 1) % 3; i; i--)
            batch_add_item(b, str_of(ids[fuzz_take(f, 1) % COUNT_OF(ids)]),
                           1 + (int64_t)fuzz_take(f, 5));
    }
}

/* What decode makes of a batch is what rank gets: bounded, or nothing. */
static bool apply(struct windows *w, int64_t offset, const struct batch *b)
{
    struct batch got = {0};
    struct err e = {0};
    struct buf record;
    buf_init(&record, BATCH_MAX_BYTES);
    batch_encode(b, &record);
    bool good = batch_decode(&got, buf_str(&record), &e) && windows_apply(w, offset, &got, &e);
    batch_finish(&got);
    buf_finish(&record);
    return good;
}

/* A mark that anybody might have committed. */
static struct windows_mark mark_of(struct fuzz *f, const struct windows_conf *conf)
{
    struct windows_mark m = WINDOWS_START;
    m.hold = (int64_t)fuzz_take(f, 1);
    m.next = m.hold + (int64_t)fuzz_take(f, 1);
    m.version = (int64_t)fuzz_take(f, 1);
    m.line_ms = time_of(f, 0);
    m.fired_ms = time_of(f, m.line_ms == WATERMARK_NONE ? 0 : m.line_ms);
    if (m.fired_ms != WATERMARK_NONE && fuzz_take(f, 1) % 8)
        m.fired_ms = watermark_floor(m.fired_ms, conf->window->slide_ms);
    return windows_mark_sane(conf, &m) ? m : WINDOWS_START;
}

/* The first byte chooses the configuration, and whether it goes on from a mark. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    uint64_t first = fuzz_take(&f, 1), choice = first % CONFS;
    const struct windows_conf conf = {&window_confs[choice], &time_confs[choice], 1, 1 << 24};
    struct batch_line lines[PARTITIONS] = {{0}};
    struct windows_mark mark = first & 128 ? mark_of(&f, &conf) : WINDOWS_START;
    struct windows *w = windows_new(&conf, mark);
    bool good = true;
    for (int64_t offset = mark.hold; good && f.n; offset++) {
        struct batch b = {.epoch = 1, .slide_ms = conf.window->slide_ms};
        uint64_t op = fuzz_take(&f, 1);
        add_lines(&b, &f, lines);
        add_panes(&b, &f, lines[op % PARTITIONS].clock_ms);
        good = apply(w, offset, &b);
        batch_finish(&b);
        if (good && op & 128) windows_again(w);
        if (good && (op & 64 || windows_urgent(w))) show_all(w, &conf);
    }
    windows_free(w);
    return 0;
}
