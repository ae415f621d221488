#include "redis_double.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fate.h"
#include "io/hot_redis.h"

struct window {
    int64_t end_ms, version;
    char *text; /* own: events and ranking */
    bool has_events;
};

struct sink_redis {
    int64_t keep_ms, shown_n, stale_n;
};

struct hot_redis {
    struct slate *list; /* own */
};

static struct {
    struct window *windows; /* own; in no order */
    size_t n, cap;
    int64_t current_ms, version; /* of the current window; 0 = none */
    struct buf changes;
    const char *hot_list;
    bool refuses;
} world;

void redis_double_empty(void)
{
    for (size_t i = 0; i < world.n; i++) free(world.windows[i].text);
    world.n = 0;
    world.current_ms = world.version = 0;
}

void redis_double_close(void)
{
    redis_double_empty();
    free(world.windows);
    buf_finish(&world.changes);
    memset(&world, 0, sizeof world);
}

void redis_double_refuse(void)
{
    world.refuses = true;
}

void redis_double_open(const char *hot_list)
{
    redis_double_close(); /* of a test that failed */
    world.hot_list = hot_list;
    buf_init(&world.changes, 1 << 24);
}

/* --- sink_redis ------------------------------------------------------------------------------------- */

struct sink_redis *sink_redis_new(const struct sink_redis_spec *spec, struct err *e)
{
    (void)e;
    struct sink_redis *s = mem_zero(1, sizeof *s);
    s->keep_ms = spec->keep_ms;
    return s;
}

void sink_redis_free(struct sink_redis *s)
{
    free(s);
}

static struct window *find(int64_t end_ms)
{
    for (size_t i = 0; i < world.n; i++)
        if (world.windows[i].end_ms == end_ms) return &world.windows[i];
    world.windows = mem_grow(world.windows, world.n, &world.cap, sizeof world.windows[0]);
    world.windows[world.n] = (struct window){.end_ms = end_ms};
    return &world.windows[world.n++];
}

static char *text_of(const struct windows_view *view)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b, "%lld [", (long long)view->events);
    for (size_t i = 0; i < view->place_n; i++)
        buf_printf(&b, "%s[\"%.*s\",%lld]", i ? "," : "", STR_ARGS(view->places[i].id),
                   (long long)view->places[i].count);
    buf_printf(&b, "]%s", view->complete ? "" : " incomplete");
    char *text = mem_dup(b.at, b.len);
    buf_finish(&b);
    return text;
}

static void trim(int64_t keep_ms)
{
    for (size_t i = 0; i < world.n;) {
        struct window *w = &world.windows[i];
        if (w->end_ms > world.current_ms - keep_ms) {
            i++;
            continue;
        }
        free(w->text);
        *w = world.windows[--world.n];
    }
}

static bool is_newer(const struct windows_view *view)
{
    if (!view->newest) return false;
    if (!world.version || view->end_ms > world.current_ms) return true;
    return view->end_ms == world.current_ms && view->version >= world.version;
}

static void keep(struct sink_redis *s, const struct windows_view *view)
{
    struct window *w = find(view->end_ms);
    if (w->version > view->version) {
        s->stale_n++;
        return;
    }
    char *text = text_of(view);
    assert(!w->text || w->version < view->version || strcmp(w->text, text) == 0);
    bool newer = is_newer(view), advanced = newer && view->end_ms != world.current_ms;
    if (!w->text || advanced || strcmp(w->text, text) != 0)
        buf_printf(&world.changes, "%lld %lld %s%s\n", (long long)view->end_ms,
                   (long long)view->version, text, newer ? " current" : "");
    free(w->text);
    w->text = text;
    w->version = view->version;
    w->has_events = view->events > 0;
    if (!newer) return;
    world.current_ms = view->end_ms;
    world.version = view->version;
    trim(s->keep_ms);
}

static enum client_redis_answer chance(struct err *e)
{
    static const enum client_redis_answer answers[] = {[FATE_NONE] = CLIENT_REDIS_DONE,
                                                       [FATE_DEATH] = CLIENT_REDIS_REFUSED,
                                                       [FATE_FAILURE] = CLIENT_REDIS_RETRY};
    return answers[fate_ask(e)];
}

enum client_redis_answer sink_redis_put(struct sink_redis *s, const struct windows_view *view,
                                        struct err *e)
{
    enum client_redis_answer answer = chance(e);
    if (answer != CLIENT_REDIS_DONE) return answer;
    s->shown_n++;
    if (world.version && view->end_ms <= world.current_ms - s->keep_ms)
        s->stale_n++;
    else
        keep(s, view);
    return chance(e);
}

enum client_redis_answer sink_redis_flush(struct sink_redis *s, struct err *e)
{
    (void)s, (void)e;
    return CLIENT_REDIS_DONE;
}

enum client_redis_answer sink_redis_empty(struct sink_redis *s, bool *ret_empty, struct err *e)
{
    (void)s;
    *ret_empty = world.n == 0;
    return chance(e);
}

int64_t sink_redis_shown_n(const struct sink_redis *s)
{
    return s->shown_n;
}

int64_t sink_redis_stale_n(const struct sink_redis *s)
{
    return s->stale_n;
}

/* --- what readers see --------------------------------------------------------------------------------- */

void redis_double_changes(FILE *out)
{
    if (world.changes.len) fwrite(world.changes.at, 1, world.changes.len, out);
}

static int by_end(const void *a, const void *b)
{
    const struct window *x = a, *y = b;
    return (x->end_ms > y->end_ms) - (x->end_ms < y->end_ms);
}

void redis_double_windows(FILE *out)
{
    if (world.n) qsort(world.windows, world.n, sizeof world.windows[0], by_end);
    for (size_t i = 0; i < world.n; i++) {
        const struct window *w = &world.windows[i];
        bool current = w->end_ms == world.current_ms;
        if (w->has_events || current)
            fprintf(out, "%lld %s%s\n", (long long)w->end_ms, w->text, current ? " current" : "");
    }
}

/* --- hot_redis, client_redis ---------------------------------------------------------------------------- */

struct hot_redis *hot_redis_new(const struct client_redis_conf *conf, size_t n, struct err *e)
{
    (void)conf, (void)e;
    struct hot_redis *h = mem_zero(1, sizeof *h);
    struct str *items = mem_zero(n, sizeof items[0]), rest = str_of(world.hot_list);
    size_t found = 0;
    while (rest.len && found < n) items[found++] = str_cut(&rest, ',');
    h->list = slate_new(SLATE_HOT, items, found);
    free(items);
    return h;
}

void hot_redis_free(struct hot_redis *h)
{
    if (!h) return;
    free(h->list);
    free(h);
}

bool hot_redis_look(struct hot_redis *h, int64_t now_ms, struct err *e)
{
    (void)h, (void)now_ms;
    if (world.refuses) return err_refuse(e, "the test lets nobody in");
    return fate_ask(e) == FATE_NONE;
}

const struct slate *hot_redis_list(const struct hot_redis *h)
{
    return h->list;
}

int64_t hot_redis_version(const struct hot_redis *h)
{
    (void)h;
    return 1;
}

struct client_redis *client_redis_new(const struct client_redis_conf *conf, const char *name,
                                      struct err *e)
{
    (void)conf, (void)name, (void)e;
    return mem_zero(1, 1);
}

void client_redis_free(struct client_redis *c)
{
    free(c);
}
