/* What weir-rank costs, with the project's windows and, for slides, a real Redis. Prints CPU microseconds as JSON.
 *
 *     slide ADDRESS KEY PANES ITEMS CHANGED    one slide of a window of PANES panes in which ITEMS items are alive and CHANGED
 *                                              of them change, published with N = 100
 *     slide absorb PAIRS                       PAIRS (item, sum) of batches as a catch-up makes them
 *
 * Counts fall off as 1/rank. With FLAT in the environment all are equal: a tie of all items. */
#include <hiredis/hiredis.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "floor.h"
#include "flow/windows.h"
#include "io/sink_redis.h"

enum {
    BIG_PANES = 15, /* hold most items; they neither come nor go in the slides that are measured */
    SLIDES_MAX = 200,
    HOUR_MS = 3600000,
    TOP = 100,
};

struct bench {
    struct window_conf window;
    struct watermark_conf time;
    struct windows *windows;
    struct sink_redis *sink; /* NULL = nobody is shown anything */
    struct batch batch, decoded;
    struct buf record;
    int64_t pane, offset, items;
    bool flat; /* all counts are equal */
};

static int64_t cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000LL + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void open_windows(struct bench *b, int64_t panes)
{
    b->window = (struct window_conf){HOUR_MS, HOUR_MS / panes, TOP, 288};
    b->time = (struct watermark_conf){.lateness_ms = 0};
    const struct windows_conf conf = {&b->window, &b->time, 1, INT64_C(1) << 40};
    b->windows = windows_new(&conf, WINDOWS_START);
    buf_init(&b->record, BATCH_MAX_BYTES);
}

static void close_windows(struct bench *b)
{
    windows_free(b->windows);
    sink_redis_free(b->sink);
    batch_finish(&b->batch);
    batch_finish(&b->decoded);
    buf_finish(&b->record);
}

/* --- a batch of one or more panes --------------------------------------------------------------- */

static void begin_batch(struct bench *b, int64_t panes)
{
    batch_clear(&b->batch);
    b->batch.epoch = 1;
    b->batch.slide_ms = b->window.slide_ms;
    const struct batch_line line = {.partition = 0,
                                    .of = 1,
                                    .from = b->offset,
                                    .to = b->offset + 1,
                                    .clock_ms = (b->pane + panes) * b->window.slide_ms,
                                    .since_ms = INT64_MIN};
    batch_add_line(&b->batch, &line);
}

static bool show_nobody(void *ctx, const struct windows_view *view, struct err *e)
{
    (void)ctx, (void)view, (void)e;
    return true;
}

static bool put(void *ctx, const struct windows_view *view, struct err *e)
{
    return sink_redis_put(ctx, view, e) == CLIENT_REDIS_DONE;
}

static void show(struct bench *b)
{
    struct err e = {0};
    bool good = b->sink ? windows_show(b->windows, put, b->sink, &e) &&
                              sink_redis_flush(b->sink, &e) == CLIENT_REDIS_DONE
                        : windows_show(b->windows, show_nobody, NULL, &e);
    if (!good) FLOOR_DIE("slide: %s", e.text);
    windows_shown(b->windows);
}

/* As weir-rank does: from the record to the windows. */
static void take_record(struct bench *b)
{
    struct err e = {0};
    if (!batch_decode(&b->decoded, buf_str(&b->record), &e) ||
        !windows_apply(b->windows, b->offset++, &b->decoded, &e))
        FLOOR_DIE("slide: %s", e.text);
}

/* --- slides ----------------------------------------------------------------------------------------- */

enum { ID_BYTES = 24 };

/* Items `first` to first + n - 1, most popular first: few panes hold them all. */
static void big_pane(struct bench *b, int64_t first, int64_t n, char (*ids)[ID_BYTES])
{
    batch_add_pane(&b->batch, b->pane++, n);
    for (int64_t i = 0; i < n; i++) {
        snprintf(ids[i], ID_BYTES, "%lld", (long long)(first + i));
        batch_add_item(&b->batch, str_of(ids[i]), b->flat ? 1 : 1 + 2000000 / (first + i + 1));
    }
}

/* Items that are seen elsewhere already; in a tie of all, new ones, lest they win. */
static void small_pane(struct bench *b, int64_t first, int64_t n, char (*ids)[ID_BYTES])
{
    batch_add_pane(&b->batch, b->pane++, n);
    for (int64_t i = 0; i < n; i++) {
        int64_t item = b->flat ? b->items + first + i : (first + i) % b->items;
        snprintf(ids[i], ID_BYTES, "%lld", (long long)item);
        batch_add_item(&b->batch, str_of(ids[i]), 1);
    }
}

/* The next pane; -> the CPU from its record to Redis' answer. */
static int64_t one_slide(struct bench *b, bool big, int64_t first, int64_t n, bool shown)
{
    char(*ids)[ID_BYTES] = mem_zero((size_t)n, ID_BYTES);
    begin_batch(b, 1);
    if (big)
        big_pane(b, first, n, ids);
    else
        small_pane(b, first, n, ids);
    batch_encode(&b->batch, &b->record);
    free(ids);
    int64_t before_us = cpu_us();
    take_record(b);
    if (shown) show(b);
    int64_t used_us = cpu_us() - before_us;
    windows_shown(b->windows);
    return used_us;
}

/* -> Redis' own CPU so far, from INFO. */
static int64_t redis_us(struct client_redis *redis)
{
    static const char *const names[] = {"used_cpu_sys:", "used_cpu_user:"};
    const struct str args[] = {str_of("INFO"), str_of("cpu")};
    const redisReply *reply;
    struct err e = {0};
    double total_s = 0;
    if (client_redis_ask(redis, args, 2, &reply, &e) != CLIENT_REDIS_DONE)
        FLOOR_DIE("slide: %s", e.text);
    for (size_t i = 0; i < 2; i++) {
        const char *found = strstr(reply->str, names[i]);
        if (!found) FLOOR_DIE("slide: INFO cpu tells no %s", names[i]);
        total_s += strtod(found + strlen(names[i]), NULL);
    }
    return (int64_t)(total_s * 1e6);
}

/* Small panes, the big ones, and then small ones again: each enters while one of the first leaves. */
static void slides(struct bench *b, struct client_redis *redis, int64_t panes, int64_t changed)
{
    int64_t small = panes - BIG_PANES, measured = small < SLIDES_MAX ? small : SLIDES_MAX;
    int64_t each = changed / 2, big = b->items / BIG_PANES + 1, own = 0;
    for (int64_t i = 0; i < small; i++) one_slide(b, false, i * each, each, false);
    for (int64_t i = 0; i < BIG_PANES; i++) one_slide(b, true, i * big, big, i == BIG_PANES - 1);
    int64_t redis_before = redis_us(redis);
    for (int64_t i = 0; i < measured; i++)
        own += one_slide(b, false, (small + i) * each, each, true);
    double redis_each = (double)(redis_us(redis) - redis_before) / (double)measured;
    printf("{\"slides\": %lld, \"own_us\": %.1f, \"redis_us\": %.1f, \"items\": %zu}\n",
           (long long)measured, (double)own / (double)measured, redis_each,
           windows_stats(b->windows).size.item_n);
}

static void run_slides(char **argv)
{
    struct err e = {0};
    char none[] = "";
    const struct client_redis_conf conf = {argv[1], none, none, argv[2], 60000};
    struct bench b = {.items = atoll(argv[4]), .flat = getenv("FLAT")};
    open_windows(&b, atoll(argv[3]));
    struct sink_redis_spec spec = {&conf, "bench", 1, INT64_C(288) * b.window.slide_ms, NULL};
    b.sink = sink_redis_new(&spec, &e);
    struct client_redis *redis = client_redis_new(&conf, "bench-info", &e);
    if (!b.sink || !redis) FLOOR_DIE("slide: %s", e.text);
    slides(&b, redis, atoll(argv[3]), atoll(argv[5]));
    client_redis_free(redis);
    close_windows(&b);
}

/* --- absorbing ---------------------------------------------------------------------------------- */

enum { ITEMS = 100000, PANES_PER_BATCH = 40, ITEMS_PER_PANE = 700 };

/* A rank with probability about 1/rank^1.05. */
static int64_t zipf(void)
{
    const double s = -0.05, most = pow(ITEMS + 1.0, s) - 1;
    return (int64_t)pow(1 + drand48() * most, 1 / s) - 1;
}

/* n different items; seen[] holds the number of the pane that had an item last. */
static void absorb_pane(struct bench *b, int64_t *seen, char (*texts)[8])
{
    batch_add_pane(&b->batch, b->pane++, 2 * ITEMS_PER_PANE);
    for (int i = 0; i < ITEMS_PER_PANE; i++) {
        int64_t item = zipf();
        while (seen[item] == b->pane) item = (int64_t)(drand48() * ITEMS);
        seen[item] = b->pane;
        batch_add_item(&b->batch, str_of(texts[item]), 1 + (int64_t)(drand48() * 4));
    }
}

static int64_t absorb_batch(struct bench *b, int64_t *seen, char (*texts)[8])
{
    begin_batch(b, PANES_PER_BATCH);
    for (int i = 0; i < PANES_PER_BATCH; i++) absorb_pane(b, seen, texts);
    batch_encode(&b->batch, &b->record);
    int64_t before_us = cpu_us();
    take_record(b);
    int64_t used_us = cpu_us() - before_us;
    show(b);
    return used_us;
}

static void run_absorb(int64_t pairs)
{
    static int64_t seen[ITEMS];
    static char texts[ITEMS][8];
    struct bench b = {.pane = 1};
    int64_t used_us = 0, done = 0;
    for (int i = 0; i < ITEMS; i++) snprintf(texts[i], sizeof texts[i], "%d", i + 1);
    open_windows(&b, 45);
    for (; done < pairs; done += PANES_PER_BATCH * ITEMS_PER_PANE)
        used_us += absorb_batch(&b, seen, texts);
    printf("{\"pairs\": %lld, \"us\": %lld}\n", (long long)done, (long long)used_us);
    close_windows(&b);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "absorb") == 0)
        run_absorb(atoll(argv[2]));
    else if (argc == 6)
        run_slides(argv);
    else
        FLOOR_DIE("usage: slide ADDRESS KEY PANES ITEMS CHANGED | slide absorb PAIRS");
    return 0;
}
