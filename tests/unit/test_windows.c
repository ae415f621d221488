/* What rank knows after a prefix of weir-panes, against a model that keeps every delta and adds all of them up for every
 * window: random batches with disorder, late rows, idle partitions, jumps, restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "flow/windows.h"

enum { PARTITIONS = 3, ITEMS = 8, TOP = 5, BATCHES = 400, SLIDE = 10, HISTORY = 6 };
enum { DELAY = 5, FIRST_MS = -200 };

static const char *const ids[ITEMS] = {"a", "b", "10", "9", "007", "z", "0", "x y"};

static uint64_t state;

static int64_t draw(int64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((state >> 33) % (uint64_t)below);
}

static struct window_conf window = {.slide_ms = SLIDE, .n = TOP, .history = HISTORY};
static struct watermark_conf time_conf = {.delay_ms = DELAY};
static const struct windows_conf conf = {
    .window = &window, .time = &time_conf, .epoch = 1, .memory_max_bytes = 1 << 30};

static void set_rules(int64_t size_ms, int64_t lateness_ms)
{
    window.size_ms = size_ms;
    time_conf.lateness_ms = lateness_ms;
}

/* --- a source: partitions with clocks, written as weir-count would ---------------------------------- */

struct source {
    struct batch
        batches[BATCHES]; /* at the offsets 2, 4, 6, ...: a transactional topic has holes */
    size_t n;
    struct batch_line lines[PARTITIONS];
    int64_t now_ms;
};

static int64_t offset_of(size_t i)
{
    return 2 + 2 * (int64_t)i;
}

static void source_init(struct source *s, uint64_t seed)
{
    state = seed;
    const int64_t sizes[] = {3 * SLIDE, SLIDE, 6 * SLIDE}, latenesses[] = {20, 0, 7};
    set_rules(sizes[seed % 3], latenesses[seed / 3 % 3]);
    *s = (struct source){.now_ms = FIRST_MS};
    for (int32_t p = 0; p < PARTITIONS; p++)
        s->lines[p] = (struct batch_line){.partition = p,
                                          .of = PARTITIONS,
                                          .clock_ms = WATERMARK_NONE,
                                          .since_ms = draw(2) ? INT64_MIN : FIRST_MS + draw(100)};
}

static void source_finish(struct source *s)
{
    for (size_t i = 0; i < s->n; i++) batch_finish(&s->batches[i]);
}

static int64_t some_time(struct source *s)
{
    if (!draw(300)) s->now_ms += 100 + draw(2000);
    s->now_ms += draw(2);
    int64_t x = draw(100);
    if (x < 20) return s->now_ms - draw(DELAY);
    if (x < 35) return s->now_ms - draw(DELAY + time_conf.lateness_ms + 10);
    if (x < 38) return s->now_ms - draw(200);
    return s->now_ms;
}

struct row {
    int64_t pane, item, weight;
};

static int by_pane_and_item(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->pane != y->pane) return x->pane < y->pane ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static void pack(struct batch *b, struct row *rows, size_t n)
{
    qsort(rows, n, sizeof rows[0], by_pane_and_item);
    for (size_t i = 0; i < n; i++) {
        if (!i || rows[i].pane != rows[i - 1].pane) batch_add_pane(b, rows[i].pane, 0);
        b->panes[b->pane_n - 1].events++;
        if (rows[i].weight) batch_add_item(b, str_of(ids[rows[i].item]), rows[i].weight);
    }
}

/* Reads some rows of some partitions and decides about them as the log does. */
static void source_write(struct source *s)
{
    struct batch *b = &s->batches[s->n++];
    struct row rows[PARTITIONS * 12];
    size_t n = 0;
    *b = (struct batch){.epoch = 1, .slide_ms = SLIDE};
    uint64_t members = 1 + (uint64_t)draw((1 << PARTITIONS) - 1);
    for (int p = 0; p < PARTITIONS; p++) {
        struct batch_line *line = &s->lines[p];
        if (!(members >> p & 1)) continue;
        int64_t count = draw(3) ? draw(12) : 0;
        line->from = line->to;
        line->to += count;
        line->idle = !count && (line->idle || !draw(4));
        for (; count; count--) {
            int64_t t = some_time(s), before = line->clock_ms;
            if (t > line->clock_ms) line->clock_ms = t;
            if (watermark_late(&time_conf, before, t, SLIDE)) continue;
            rows[n++] = (struct row){window_pane(&window, t), draw(ITEMS), draw(4)};
        }
        batch_add_line(b, line);
    }
    pack(b, rows, n);
}

/* --- the model: every delta, added up anew for every window ------------------------------------------ */

struct content {
    int64_t events, sums[ITEMS];
};

static size_t item_of(struct str id)
{
    for (size_t i = 0; i < ITEMS; i++)
        if (str_eq(id, str_of(ids[i]))) return i;
    fail();
    return 0;
}

/* f(window, prefix): all batches below the offset `version`. */
static struct content content_of(const struct source *s, int64_t end, int64_t version)
{
    struct content c = {0};
    for (size_t i = 0; i < s->n && offset_of(i) < version; i++) {
        const struct batch *b = &s->batches[i];
        for (size_t j = 0; j < b->pane_n; j++) {
            const struct batch_pane *p = &b->panes[j];
            if (p->pane * SLIDE < end - window.size_ms || p->pane * SLIDE >= end) continue;
            c.events += p->events;
            for (size_t k = p->item_first; k < p->item_first + p->item_n; k++)
                c.sums[item_of(b->items[k].id)] += b->items[k].sum;
        }
    }
    return c;
}

struct model {
    bool started, drawn;
    int64_t fired, line; /* F, Z */
    struct batch_line lines[PARTITIONS];
    bool known[PARTITIONS];
    int64_t due[BATCHES * 8];
    size_t due_n;
};

static bool frozen(const struct model *m, int64_t end)
{
    return m->drawn && end + time_conf.lateness_ms <= m->line && end < m->fired;
}

static void fire(struct model *m, int64_t end)
{
    if (m->started && end <= m->fired) return;
    m->started = true;
    m->fired = end;
}

static void take_lines(struct model *m, const struct batch *b)
{
    int64_t least = INT64_MAX, greatest = WATERMARK_NONE;
    bool all = true;
    for (size_t i = 0; i < b->line_n; i++) {
        m->lines[b->lines[i].partition] = b->lines[i];
        m->known[b->lines[i].partition] = true;
    }
    for (int p = 0; p < PARTITIONS; p++) {
        all &= m->known[p];
        if (m->lines[p].clock_ms > greatest) greatest = m->lines[p].clock_ms;
        if (!m->lines[p].idle && m->lines[p].clock_ms < least) least = m->lines[p].clock_ms;
    }
    if (!all || greatest == WATERMARK_NONE || least == WATERMARK_NONE) return;
    if (least == INT64_MAX) {
        fire(m, watermark_floor(greatest, SLIDE) + SLIDE);
        return;
    }
    if (!m->drawn || least - DELAY > m->line) m->line = least - DELAY;
    m->drawn = true;
    fire(m, watermark_floor(m->line, SLIDE));
}

static bool touches(const struct batch *b, int64_t end)
{
    for (size_t i = 0; i < b->pane_n; i++)
        if (b->panes[i].pane * SLIDE >= end - window.size_ms && b->panes[i].pane * SLIDE < end)
            return true;
    return false;
}

/* The windows that the batch at index i makes due, oldest first. */
static void model_apply(struct model *m, const struct source *s, size_t i)
{
    struct model before = *m;
    m->due_n = 0;
    take_lines(m, &s->batches[i]);
    if (!m->started) return;
    for (int64_t end = m->fired - (HISTORY - 1) * SLIDE; end <= m->fired; end += SLIDE) {
        bool corrected = before.started && end <= before.fired && !frozen(&before, end) &&
                         touches(&s->batches[i], end);
        bool passed = (!before.started || end > before.fired) &&
                      (end == m->fired || content_of(s, end, offset_of(i) + 1).events);
        if (corrected || passed) m->due[m->due_n++] = end;
    }
}

/* --- what was shown ---------------------------------------------------------------------------------- */

struct shown {
    const struct source *source;
    const struct model *model; /* NULL: the due windows are not compared */
    size_t n;
    int64_t last_fired;
    struct {
        int64_t end, version;
    } of[HISTORY]; /* the last version of each window, by end */
};

static bool complete(const struct source *s, int64_t start)
{
    for (int p = 0; p < PARTITIONS; p++)
        if (s->lines[p].since_ms > start) return false;
    return true;
}

static void compare(const struct source *s, const struct windows_view *view)
{
    struct content wanted = content_of(s, view->end_ms, view->version);
    assert_int_equal(view->start_ms, view->end_ms - window.size_ms);
    assert_int_equal(view->complete, complete(s, view->start_ms));
    assert_int_equal(view->events, wanted.events);
    size_t item_n = 0;
    for (size_t i = 0; i < ITEMS; i++) item_n += wanted.sums[i] > 0;
    assert_int_equal(view->place_n, item_n < TOP ? item_n : TOP);
    for (size_t i = 0; i < view->place_n; i++)
        assert_int_equal(view->places[i].count, wanted.sums[item_of(view->places[i].id)]);
}

static bool show(void *ctx, const struct windows_view *view, struct err *e)
{
    struct shown *shown = ctx;
    (void)e;
    compare(shown->source, view);
    if (shown->model) {
        assert_in_range(shown->n, 0, shown->model->due_n - 1);
        assert_int_equal(view->end_ms, shown->model->due[shown->n]);
        assert_int_equal(view->newest, view->end_ms == shown->model->fired);
    }
    size_t slot = (size_t)(watermark_floor(view->end_ms, SLIDE) / SLIDE + 1000 * HISTORY) % HISTORY;
    shown->of[slot].end = view->end_ms;
    shown->of[slot].version = view->version;
    shown->n++;
    return true;
}

static void show_all(struct windows *w, struct shown *shown)
{
    struct err e = {0};
    assert_true(windows_show(w, show, shown, &e));
    windows_shown(w);
    assert_false(windows_due(w));
}

static void apply(struct windows *w, const struct source *s, size_t i)
{
    struct err e = {0};
    if (!windows_apply(w, offset_of(i), &s->batches[i], &e)) fail_msg("%s", e.text);
}

static void every_window_is_the_function_of_its_prefix(void **unused)
{
    (void)unused;
    size_t shown_n = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        static struct source s;
        source_init(&s, seed);
        struct model model = {0};
        struct shown shown = {.source = &s, .model = &model};
        struct windows *w = windows_new(&conf, WINDOWS_START);
        while (s.n < BATCHES) {
            source_write(&s);
            model_apply(&model, &s, s.n - 1);
            apply(w, &s, s.n - 1);
            shown.n = 0;
            show_all(w, &shown);
            assert_int_equal(shown.n, model.due_n);
            shown_n += shown.n;
        }
        struct windows_stats stats = windows_stats(w);
        assert_true(stats.fired_ms == model.fired && stats.line_ms == model.line);
        assert_in_range(stats.size.pane_n, 1, 40);
        windows_free(w);
        source_finish(&s);
    }
    assert_in_range(shown_n, 5000, 100000);
}

/* Shows only now and then, and whenever it must: the last text of every window is still the same. */
static void windows_may_be_shown_once_for_many_batches(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        static struct source s;
        source_init(&s, seed);
        struct shown eager = {.source = &s}, lazy = {.source = &s};
        struct windows *w = windows_new(&conf, WINDOWS_START),
                       *v = windows_new(&conf, WINDOWS_START);
        while (s.n < BATCHES) {
            source_write(&s);
            apply(w, &s, s.n - 1);
            show_all(w, &eager);
            apply(v, &s, s.n - 1);
            if (windows_urgent(v) || !draw(50)) show_all(v, &lazy);
        }
        show_all(v, &lazy);
        assert_in_range(lazy.n, 1, eager.n - 1);
        for (size_t i = 0; i < HISTORY; i++) {
            if (eager.of[i].end <= windows_stats(w).fired_ms - HISTORY * SLIDE) continue;
            assert_int_equal(lazy.of[i].end, eager.of[i].end);
            struct content a = content_of(&s, eager.of[i].end, eager.of[i].version);
            struct content b = content_of(&s, lazy.of[i].end, lazy.of[i].version);
            assert_memory_equal(&a, &b, sizeof a);
        }
        windows_free(w);
        windows_free(v);
        source_finish(&s);
    }
}

/* Begins again at a mark that was committed some time ago; batches below its hold are gone. */
static struct windows *restart(const struct source *s, struct windows_mark mark, size_t read_n,
                               struct shown *shown)
{
    struct windows *w = windows_new(&conf, mark);
    for (size_t i = 0; i < read_n; i++) {
        if (offset_of(i) < mark.hold) continue;
        apply(w, s, i);
        if (offset_of(i) < mark.next) assert_false(windows_due(w));
        show_all(w, shown);
    }
    return w;
}

static void a_restart_changes_nothing(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        static struct source s;
        source_init(&s, seed);
        struct model model = {0};
        struct shown shown = {.source = &s, .model = &model}, again = {.source = &s};
        struct windows *w = windows_new(&conf, WINDOWS_START);
        struct windows_mark mark = WINDOWS_START;
        while (s.n < BATCHES) {
            source_write(&s);
            model_apply(&model, &s, s.n - 1);
            apply(w, &s, s.n - 1);
            shown.n = 0;
            show_all(w, &shown);
            assert_int_equal(shown.n, model.due_n);
            if (!draw(8)) mark = windows_mark(w);
            if (draw(10)) continue;
            windows_free(w);
            w = restart(&s, mark, s.n, &again);
            windows_again(w);
            show_all(w, &again);
        }
        windows_free(w);
        source_finish(&s);
    }
}

static bool count(void *ctx, const struct windows_view *view, struct err *e)
{
    (void)e;
    *(int64_t *)ctx += 1;
    if (view->newest) assert_int_equal(view->place_n, 0);
    return true;
}

/* Partition 0 drew Z far up and went to sleep; partition 1, asleep until then, comes back. The lines alone would now give
 * a lower Z, and what was frozen would change again after a restart. */
static void a_restart_keeps_what_is_frozen(void **unused)
{
    (void)unused;
    struct err e = {0};
    int64_t shown_n = 0;
    set_rules(SLIDE, 0);
    struct batch_line lines[] = {
        {.of = 2, .to = 5, .clock_ms = 500, .since_ms = INT64_MIN},
        {.partition = 1, .of = 2, .to = 5, .clock_ms = 100, .since_ms = INT64_MIN}};
    struct windows *w = windows_new(&conf, WINDOWS_START);
    for (int64_t offset = 0; offset < 2; offset++) {
        struct batch b = {.epoch = 1, .slide_ms = SLIDE};
        lines[1].idle = offset == 0; /* then they change places */
        lines[0].idle = offset == 1;
        for (size_t i = 0; i < COUNT_OF(lines); i++) {
            batch_add_line(&b, &lines[i]);
            lines[i].from = lines[i].to;
        }
        assert_true(windows_apply(w, offset, &b, &e));
        assert_true(windows_show(w, count, &shown_n, &e));
        windows_shown(w);
        batch_finish(&b);
    }
    struct windows_mark mark = windows_mark(w);
    assert_int_equal(mark.hold, 1);
    windows_free(w);
    w = windows_new(&conf, mark);
    for (int64_t offset = 1; offset < 3; offset++) {
        struct batch b = {.epoch = 1, .slide_ms = SLIDE};
        for (size_t i = 0; i < COUNT_OF(lines); i++) batch_add_line(&b, &lines[i]);
        if (offset == 2) batch_add_pane(&b, 20, 7);
        assert_true(windows_apply(w, offset, &b, &e));
        assert_false(windows_due(w));
        batch_finish(&b);
    }
    assert_int_equal(windows_stats(w).frozen_events, 7);
    assert_int_equal(windows_stats(w).events, 0);
    windows_free(w);
}

/* --- single rules ------------------------------------------------------------------------------------ */

static struct batch_line line(int64_t from, int64_t to, int64_t clock_ms)
{
    return (struct batch_line){
        .of = 1, .from = from, .to = to, .clock_ms = clock_ms, .since_ms = INT64_MIN};
}

static bool apply_one(struct windows *w, int64_t offset, struct batch_line l, int64_t pane,
                      struct err *e)
{
    struct batch b = {.epoch = 1, .slide_ms = SLIDE};
    batch_add_line(&b, &l);
    batch_add_pane(&b, pane, 1);
    batch_add_item(&b, str_of("1"), 1);
    bool good = windows_apply(w, offset, &b, e);
    batch_finish(&b);
    return good;
}

static bool note(void *ctx, const struct windows_view *view, struct err *e)
{
    (void)e;
    if (view->newest) *(struct windows_view *)ctx = *view;
    return true;
}

/* A partition is added: what is shown until its line is known is complete no longer, and says so as a newer version. */
static void complete_is_part_of_a_version(void **unused)
{
    (void)unused;
    struct err e = {0};
    struct windows_view view = {0};
    set_rules(SLIDE, 0);
    struct windows *w = windows_new(&conf, WINDOWS_START);
    struct batch_line lines[] = {line(0, 1, 100), line(1, 2, 101)};
    lines[1].of = 2;
    for (int64_t offset = 0; offset < 2; offset++) {
        assert_true(apply_one(w, offset, lines[offset], 20, &e));
        assert_true(windows_due(w));
        assert_true(windows_show(w, note, &view, &e));
        assert_int_equal(view.version, offset + 1);
        assert_int_equal(view.complete, offset == 0);
        windows_shown(w);
        windows_again(w);
        assert_true(windows_show(w, note, &view, &e));
        assert_int_equal(view.version, offset + 1);
        windows_shown(w);
    }
    windows_free(w);
}

static void marks_that_cannot_be_are_known(void **unused)
{
    (void)unused;
    set_rules(3 * SLIDE, 20);
    const int64_t far = 2 * WINDOW_TIME_MAX_MS;
    const struct {
        struct windows_mark mark;
        bool sane;
    } cases[] = {
        {WINDOWS_START, true},
        {{5, 7, 7, 10 * SLIDE, 109}, true},
        {{5, 7, 7, 10 * SLIDE, WATERMARK_NONE}, true},
        {{5, 7, 7, 10 * SLIDE, 110}, false},
        {{5, 7, 7, WATERMARK_NONE, 99}, false},
        {{7, 7, 0, -far, -far}, true},
        {{-1, 7, 7, 0, 0}, false},
        {{8, 7, 7, 0, 0}, false},
        {{5, 7, 8, 0, 0}, false},
        {{5, 7, -1, 0, 0}, false},
        {{5, 7, 7, SLIDE + 1, 0}, false},
        {{5, 7, 7, far + SLIDE, 0}, false},
        {{5, 7, 7, INT64_MAX, 0}, false},
        {{5, 7, 7, 0, -far - 1}, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (windows_mark_sane(&conf, &cases[i].mark) != cases[i].sane) fail_msg("case %zu", i);
}

static void a_broken_chain_is_refused(void **unused)
{
    (void)unused;
    set_rules(3 * SLIDE, 20);
    const struct windows_mark restarted = {.hold = 5, .next = 7, .fired_ms = 0, .line_ms = 0};
    struct {
        struct windows_mark mark;
        int64_t first_from, second_from;
        bool good;
    } cases[] = {
        {WINDOWS_START, 0, 10, true},  {WINDOWS_START, 1, 10, false}, {WINDOWS_START, 0, 9, false},
        {WINDOWS_START, 0, 11, false}, {restarted, 4, 10, true},      {restarted, 4, 11, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err e = {0};
        struct windows *w = windows_new(&conf, cases[i].mark);
        bool good = apply_one(w, 5, line(cases[i].first_from, 10, 100), 10, &e);
        if (good && windows_due(w)) windows_shown(w);
        good = good && apply_one(w, 7, line(cases[i].second_from, 12, 100), 10, &e);
        assert_int_equal(good, cases[i].good);
        if (!good) assert_int_equal(e.status, ERR_REFUSED);
        windows_free(w);
    }
}

static void foreign_batches_are_refused(void **unused)
{
    (void)unused;
    for (int which = 0; which < 3; which++) {
        struct err e = {0};
        struct windows *w = windows_new(&conf, WINDOWS_START);
        struct batch b = {.epoch = 1 + (which == 1), .slide_ms = SLIDE + (which == 2)};
        batch_add_line(&b, &(struct batch_line){.of = 1});
        assert_int_equal(windows_apply(w, 0, &b, &e), which == 0);
        if (which) assert_non_null(strstr(e.text, "weir-reset"));
        batch_finish(&b);
        windows_free(w);
    }
}

static void a_jump_over_years_shows_what_exists(void **unused)
{
    (void)unused;
    set_rules(3 * SLIDE, 20);
    struct err e = {0};
    int64_t shown_n = 0, year_ms = INT64_C(365) * 86400 * 1000;
    struct windows *w = windows_new(&conf, WINDOWS_START);
    assert_true(apply_one(w, 0, line(0, 1, 105), 10, &e));
    assert_true(windows_show(w, count, &shown_n, &e));
    windows_shown(w);
    assert_true(apply_one(w, 1, line(1, 2, 50 * year_ms), 50 * year_ms / SLIDE, &e));
    shown_n = 0;
    assert_true(windows_show(w, count, &shown_n, &e));
    assert_int_equal(shown_n, 1); /* only F, which is empty */
    windows_shown(w);
    assert_int_equal(windows_stats(w).size.pane_n, 1);
    windows_free(w);
}

static void memory_has_a_limit(void **unused)
{
    (void)unused;
    set_rules(3 * SLIDE, 20);
    struct err e = {0};
    struct windows_conf tight = conf;
    tight.memory_max_bytes = 1 << 20;
    struct windows *w = windows_new(&tight, WINDOWS_START);
    struct batch b = {.epoch = 1, .slide_ms = SLIDE};
    batch_add_line(&b, &(struct batch_line){.of = 2, .clock_ms = 0}); /* partition 1 never comes */
    int64_t offset = 0;
    do {
        b.pane_n = b.item_n = 0;
        batch_add_pane(&b, offset, 1);
        batch_add_item(&b, str_of("1"), 1);
    } while (windows_apply(w, offset++, &b, &e) && offset < 100000);
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, "take 1 MiB, more than limits.memory"));
    batch_finish(&b);
    windows_free(w);
}

static void memory_may_be_all_that_is_allowed(void **unused)
{
    (void)unused;
    set_rules(3 * SLIDE, 20);
    struct windows_conf tight = conf;
    for (int less = -1; less < 2; less++) { /* first to learn what it takes */
        struct err e = {0};
        struct windows *w = windows_new(&tight, WINDOWS_START);
        assert_int_equal(apply_one(w, 0, line(0, 1, 105), 10, &e), less < 1);
        tight.memory_max_bytes = (int64_t)windows_stats(w).size.bytes - (less == 0);
        windows_free(w);
    }
}

static void sums_have_a_limit(void **unused)
{
    (void)unused;
    set_rules(3 * SLIDE, 20);
    struct err e = {0};
    struct windows *w = windows_new(&conf, WINDOWS_START);
    const int64_t exact = INT64_C(1) << 53; /* of doubles, and so of Redis and of JSON */
    for (int i = 0; i < 2; i++) {
        struct batch b = {.epoch = 1, .slide_ms = SLIDE};
        batch_add_line(&b, &(struct batch_line){.of = 2, .from = i, .to = i + 1, .clock_ms = 0});
        batch_add_pane(&b, 0, 1);
        batch_add_item(&b, str_of("1"), i ? 1 : exact);
        assert_int_equal(windows_apply(w, i, &b, &e), i == 0);
        batch_finish(&b);
    }
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, "2^53"));
    windows_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_window_is_the_function_of_its_prefix),
        cmocka_unit_test(windows_may_be_shown_once_for_many_batches),
        cmocka_unit_test(a_restart_changes_nothing),
        cmocka_unit_test(a_restart_keeps_what_is_frozen),
        cmocka_unit_test(complete_is_part_of_a_version),
        cmocka_unit_test(a_broken_chain_is_refused),
        cmocka_unit_test(marks_that_cannot_be_are_known),
        cmocka_unit_test(foreign_batches_are_refused),
        cmocka_unit_test(a_jump_over_years_shows_what_exists),
        cmocka_unit_test(memory_has_a_limit),
        cmocka_unit_test(memory_may_be_all_that_is_allowed),
        cmocka_unit_test(sums_have_a_limit),
    };
    return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
