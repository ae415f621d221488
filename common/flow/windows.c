#include "flow/windows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flow/lines.h"

/* When a window is shown, corrected and closed.
 *
 * Two times rise, and never fall, while batches are applied:
 *
 *     Z   the least watermark of the partitions that are not idle: what is late for all
 *     F   the end of the newest window that is complete: Z rounded down to a slide. When all partitions are
 *         idle nobody will raise Z, so F goes to the end of the newest pane and the last window shows up
 *         without new data; Z stays, and nothing is closed that a returning partition may still correct.
 *
 *     --- frozen -------|------- may be corrected -------|------- not yet shown --->   ends of windows
 *              Z - lateness                              F
 *
 * A batch first adds its panes, and the windows up to F that it touches become due again (corrections), judged
 * by F and Z as they were. Then its lines may raise Z and F, and the windows passed become due. Due windows are
 * shown with the version "offset of the batch + 1": what they hold is a function of the batches up to it and
 * of nothing else, so whoever shows them, whenever, shows the same.
 *
 * A window E is frozen when E + lateness <= Z and E < F. It keeps what it had, although a pane that it shares
 * with younger windows may still grow. Therefore a due window that is frozen now is urgent: it must be shown
 * before the next batch. The others may wait and be shown once for many batches, which is what makes a
 * catch-up fast. A pane is freed when all its windows are frozen and shown.
 *
 * Due windows are bits in a ring of the last `history` windows up to F: older ones nobody wants.
 *
 * After a restart, F and Z come from the mark, and batches below mark.next only rebuild panes and lines: all that they
 * make due has been shown, and by fuller knowledge than there is yet. */

struct windows {
    struct windows_conf conf;
    struct panes *panes;          /* own */
    struct lines *lines;          /* own */
    struct ranking_place *places; /* own: conf.window->n */
    bool *due; /* own: by (end / slide) mod history, for the ends in (F - history*slide, F] */
    size_t due_n;
    int64_t fired_ms, line_ms; /* F, Z */
    int64_t next;              /* the offset after the last batch applied */
    int64_t quiet_below;       /* batches below it have been shown before */
    int64_t version;           /* of the newest change that was shown */
    bool changed;              /* what is due is not only shown again */
    int64_t events, frozen_events;
};

bool windows_mark_sane(const struct windows_conf *conf, const struct windows_mark *mark)
{
    int64_t slide_ms = conf->window->slide_ms;
    if (!watermark_sane(mark->fired_ms) || !watermark_sane(mark->line_ms)) return false;
    bool whole = mark->fired_ms == WATERMARK_NONE || mark->fired_ms % slide_ms == 0;
    bool passed = mark->line_ms == WATERMARK_NONE ||
                  mark->fired_ms >= watermark_floor(mark->line_ms, slide_ms);
    return mark->hold >= 0 && mark->hold <= mark->next && mark->version >= 0 &&
           mark->version <= mark->next && whole && passed;
}

struct windows *windows_new(const struct windows_conf *conf, struct windows_mark mark)
{
    struct windows *w = mem_zero(1, sizeof *w);
    w->conf = *conf;
    w->panes = panes_new(conf->window);
    w->lines = lines_new(mark.next == 0);
    w->places = mem_zero((size_t)conf->window->n, sizeof w->places[0]);
    w->due = mem_zero((size_t)conf->window->history, sizeof w->due[0]);
    w->fired_ms = mark.fired_ms;
    w->line_ms = mark.line_ms;
    w->next = mark.hold;
    w->quiet_below = mark.next;
    w->version = mark.version;
    return w;
}

void windows_free(struct windows *w)
{
    if (!w) return;
    panes_free(w->panes);
    lines_free(w->lines);
    free(w->places);
    free(w->due);
    free(w);
}

/* --- what is frozen, what is due ------------------------------------------------------------------- */

static bool frozen(const struct windows *w, int64_t end_ms)
{
    return w->line_ms != WATERMARK_NONE && end_ms + w->conf.time->lateness_ms <= w->line_ms &&
           end_ms < w->fired_ms;
}

static size_t slot(const struct windows *w, int64_t end_ms)
{
    int64_t n = w->conf.window->history, i = end_ms / w->conf.window->slide_ms % n;
    return (size_t)(i < 0 ? i + n : i);
}

/* The end of the oldest window that anybody wants. */
static int64_t oldest(const struct windows *w)
{
    return w->fired_ms - (w->conf.window->history - 1) * w->conf.window->slide_ms;
}

static void set_due(struct windows *w, int64_t end_ms, bool due)
{
    bool *bit = &w->due[slot(w, end_ms)];
    w->due_n += (size_t)due - (size_t)*bit;
    *bit = due;
}

bool windows_due(const struct windows *w)
{
    return w->due_n;
}

bool windows_urgent(const struct windows *w)
{
    if (!w->due_n) return false;
    for (int64_t end = oldest(w); frozen(w, end); end += w->conf.window->slide_ms)
        if (w->due[slot(w, end)]) return true;
    return false;
}

/* --- one batch -------------------------------------------------------------------------------------- */

static void change(struct windows *w, int64_t end_ms)
{
    set_due(w, end_ms, true);
    w->changed = true;
}

/* Windows up to F that hold the pane and may still change become due. */
static void touch(struct windows *w, int64_t pane)
{
    int64_t end = window_first_end(w->conf.window, pane);
    int64_t last = window_last_end(w->conf.window, pane);
    if (end < oldest(w)) end = oldest(w);
    if (last > w->fired_ms) last = w->fired_ms;
    for (; end <= last; end += w->conf.window->slide_ms)
        if (!frozen(w, end)) change(w, end);
}

static void add_pane(struct windows *w, int64_t offset, const struct batch *b,
                     const struct batch_pane *pane)
{
    bool fresh = offset >= w->quiet_below;
    if (fresh && frozen(w, window_first_end(w->conf.window, pane->pane)))
        w->frozen_events += pane->events;
    if (frozen(w, window_last_end(w->conf.window, pane->pane))) return;
    panes_add(w->panes, offset, b, pane);
    w->events += pane->events;
    if (w->fired_ms != WATERMARK_NONE && fresh) touch(w, pane->pane);
}

static bool any_panes(const struct windows *w, int64_t end_ms)
{
    const struct window_conf *window = w->conf.window;
    return panes_any(w->panes, window_first_pane(window, end_ms), window_last_pane(window, end_ms));
}

/* Raises F. Due become F itself, be it empty, and what it passes and is not: at most the last `history`. */
static void raise_fired(struct windows *w, int64_t end_ms)
{
    int64_t slide = w->conf.window->slide_ms, before = w->fired_ms;
    if (end_ms <= before) return;
    w->fired_ms = end_ms;
    int64_t end = before < oldest(w) ? oldest(w) : before + slide;
    for (; end < end_ms; end += slide) set_due(w, end, any_panes(w, end));
    change(w, end_ms);
}

static void raise_lines(struct windows *w)
{
    if (!lines_known(w->lines)) return;
    const struct window_conf *window = w->conf.window;
    struct lines_clocks clocks = lines_clocks(w->lines);
    if (clocks.all_idle && clocks.greatest_ms != WATERMARK_NONE)
        raise_fired(w, window_first_end(window, window_pane(window, clocks.greatest_ms)));
    if (clocks.all_idle || clocks.least_ms == WATERMARK_NONE) return;
    int64_t line_ms = watermark_of(w->conf.time, clocks.least_ms);
    if (line_ms > w->line_ms) w->line_ms = line_ms;
    raise_fired(w, watermark_floor(w->line_ms, window->slide_ms));
}

/* Frees the panes whose windows are all frozen. */
static void forget(struct windows *w)
{
    const struct window_conf *window = w->conf.window;
    if (w->line_ms == WATERMARK_NONE) return;
    int64_t end = watermark_floor(w->line_ms - w->conf.time->lateness_ms, window->slide_ms);
    if (end >= w->fired_ms) end = w->fired_ms - window->slide_ms;
    panes_forget(w->panes, window_first_pane(window, end));
}

static bool within_limits(const struct windows *w, struct err *e)
{
    struct panes_size size = panes_size(w->panes);
    if (size.sum > INT64_C(1) << 53)
        return err_refuse(
            e, "the weights in the open windows add up to more than 2^53: Redis and JSON would "
               "round the counts; lower weight.behaviors");
    if ((int64_t)size.bytes <= w->conf.memory_max_bytes) return true;
    return err_refuse(
        e,
        "%zu panes with %zu items take %zu MiB, more than limits.memory: raise it, or see which "
        "partition of the events lags behind (weir-status)",
        size.pane_n, size.item_n, size.bytes >> 20);
}

static bool acceptable(const struct windows *w, int64_t offset, const struct batch *b,
                       struct err *e)
{
    if (b->epoch != w->conf.epoch)
        return err_refuse(
            e,
            "offset %lld of the panes is of epoch %lld, expected %lld: weir-reset ranking starts "
            "afresh",
            (long long)offset, (long long)b->epoch, (long long)w->conf.epoch);
    if (b->slide_ms != w->conf.window->slide_ms)
        return err_refuse(
            e,
            "offset %lld of the panes was written with a window.slide of %lld ms, here it is %lld "
            "ms: set it alike everywhere, and after a change start afresh with weir-reset ranking",
            (long long)offset, (long long)b->slide_ms, (long long)w->conf.window->slide_ms);
    return lines_check(w->lines, b, e);
}

/* Takes the lines. Windows that may still change and whose panes turn out to be complete, or to miss a new partition's,
 * are shown anew: that is part of what a version says. */
static void take_lines(struct windows *w, int64_t offset, const struct batch *b)
{
    int64_t since_ms = lines_since(w->lines);
    lines_take(w->lines, b, offset);
    if (offset < w->quiet_below) return;
    raise_lines(w);
    if (lines_since(w->lines) == since_ms || w->fired_ms == WATERMARK_NONE) return;
    windows_again(w);
    w->changed = true;
}

bool windows_apply(struct windows *w, int64_t offset, const struct batch *b, struct err *e)
{
    assert(offset >= w->next && !windows_urgent(w));
    if (!acceptable(w, offset, b, e)) return false;
    for (size_t i = 0; i < b->pane_n; i++) add_pane(w, offset, b, &b->panes[i]);
    take_lines(w, offset, b);
    w->next = offset + 1;
    if (!windows_urgent(w)) forget(w);
    return within_limits(w, e);
}

/* --- showing ---------------------------------------------------------------------------------------- */

void windows_again(struct windows *w)
{
    if (w->fired_ms == WATERMARK_NONE || w->next < w->quiet_below) return;
    for (int64_t end = oldest(w); end < w->fired_ms; end += w->conf.window->slide_ms)
        if (!frozen(w, end) && any_panes(w, end)) set_due(w, end, true);
    set_due(w, w->fired_ms, true);
}

/* Whatever changes a window up to F makes it due and is shown, so all of them are functions of the prefix below the
 * newest change that was shown, too: shown again, they keep this version. */
static int64_t version_of(const struct windows *w)
{
    return w->changed ? w->next : w->version;
}

static bool show_one(struct windows *w, int64_t end_ms, windows_show_fn *show, void *ctx,
                     struct err *e)
{
    struct windows_view view = {
        .start_ms = end_ms - w->conf.window->size_ms,
        .end_ms = end_ms,
        .version = version_of(w),
        .newest = end_ms == w->fired_ms,
        .places = w->places,
    };
    view.complete = lines_since(w->lines) <= view.start_ms;
    view.place_n = panes_top(w->panes, end_ms, (size_t)w->conf.window->n, w->places, &view.events);
    return show(ctx, &view, e);
}

bool windows_show(struct windows *w, windows_show_fn *show, void *ctx, struct err *e)
{
    if (!w->due_n) return true;
    for (int64_t end = oldest(w); end <= w->fired_ms; end += w->conf.window->slide_ms)
        if (w->due[slot(w, end)] && !show_one(w, end, show, ctx, e)) return false;
    return true;
}

void windows_shown(struct windows *w)
{
    w->version = version_of(w);
    w->changed = false;
    memset(w->due, 0, (size_t)w->conf.window->history * sizeof w->due[0]);
    w->due_n = 0;
    forget(w);
}

struct windows_mark windows_mark(const struct windows *w)
{
    assert(!w->due_n);
    int64_t hold = w->next, panes = panes_hold(w->panes), lines = lines_hold(w->lines);
    if (panes < hold) hold = panes;
    if (lines < hold) hold = lines;
    int64_t next = w->next > w->quiet_below ? w->next : w->quiet_below;
    return (struct windows_mark){hold, next, w->version, w->fired_ms, w->line_ms};
}

struct windows_stats windows_stats(const struct windows *w)
{
    return (struct windows_stats){
        .size = panes_size(w->panes),
        .fired_ms = w->fired_ms,
        .line_ms = w->line_ms,
        .events = w->events,
        .frozen_events = w->frozen_events,
    };
}
