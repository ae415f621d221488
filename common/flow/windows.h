/* What weir-rank knows after a prefix of weir-panes: which windows there are to show, and what is in them. A pure
 * function of the batches (and, after a restart, of the mark that was committed). */
#ifndef WEIR_FLOW_WINDOWS_H
#define WEIR_FLOW_WINDOWS_H

#include "flow/batch.h"
#include "flow/panes.h"
#include "flow/watermark.h"
#include "flow/window.h"

struct windows_conf {
    const struct window_conf *window;  /* ref in caller */
    const struct watermark_conf *time; /* ref in caller */
    int64_t epoch;                     /* of the run: batches of another one are refused */
    int64_t memory_max_bytes;          /* for panes and items */
};

/* What is committed: with it and the batches from `hold` on, a restart knows all again. */
struct windows_mark {
    int64_t hold;     /* the lowest offset of weir-panes that is still needed */
    int64_t next;     /* everything below is applied and shown */
    int64_t version;  /* of the newest change that was shown, <= next */
    int64_t fired_ms; /* F: end of the newest window that is complete; WATERMARK_NONE = none */
    int64_t
        line_ms; /* Z: the watermark of the whole; windows that end more than the lateness before are frozen */
};

#define WINDOWS_START ((struct windows_mark){0, 0, 0, WATERMARK_NONE, WATERMARK_NONE})

/* One window as it is to be shown. */
struct windows_view {
    int64_t start_ms, end_ms;
    int64_t version; /* the prefix it is a function of: all batches below this offset */
    int64_t events;
    bool complete;                      /* no event of it came before the group's start */
    bool newest;                        /* it is window F, which readers see as the current one */
    const struct ranking_place *places; /* lent for the call; best first */
    size_t place_n;
};

/* windows_mark_sane is true for a mark that windows_mark can have told. */
bool windows_mark_sane(const struct windows_conf *conf, const struct windows_mark *mark);

struct windows;

/* windows_new begins at a mark: WINDOWS_START, or the one committed, when batches come from mark.hold on. */
struct windows *windows_new(const struct windows_conf *conf, struct windows_mark mark);
void windows_free(struct windows *w); /* NULL is fine */

/* windows_apply takes the batch at the next offset. Not while windows_urgent. Refuses a broken chain, another
 * epoch or slide, and what exceeds the limits. */
MUST_CHECK bool windows_apply(struct windows *w, int64_t offset, const struct batch *b,
                              struct err *e);

/* windows_due is true when there is a window to show; windows_urgent when it must be shown before the next batch may
 * change it (it is frozen now). */
bool windows_due(const struct windows *w);
bool windows_urgent(const struct windows *w);

/* windows_again makes F and the windows that may still change due once more, as they are, for a store that lost
 * them. */
void windows_again(struct windows *w);

/* windows_show hands all due windows to show(), oldest first, until one returns false. They stay due until
 * windows_shown says that all of them have arrived. */
typedef bool windows_show_fn(void *ctx, const struct windows_view *view, struct err *e);
MUST_CHECK bool windows_show(struct windows *w, windows_show_fn *show, void *ctx, struct err *e);
void windows_shown(struct windows *w);

/* windows_mark is what to commit; only while nothing is due. */
struct windows_mark windows_mark(const struct windows *w);

/* For metrics. */
struct windows_stats {
    struct panes_size size;
    int64_t fired_ms, line_ms;
    int64_t events;        /* added to panes */
    int64_t frozen_events; /* that some frozen window misses */
};
struct windows_stats windows_stats(const struct windows *w);

#endif
