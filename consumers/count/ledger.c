#include "count/ledger.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "flow/meta.h"

enum { META_VERSION = 1, META_FIELDS = 8 };

/* `start` is none until something was read: then it is the offset of the mark itself. */
#define NO_START INT64_MIN

void ledger_init(struct ledger *l, const struct ledger_conf *conf)
{
    *l = (struct ledger){.conf = *conf, .least_ms = WATERMARK_NONE};
}

void ledger_close(struct ledger *l)
{
    struct ledger_conf conf = l->conf;
    free(l->at);
    ledger_init(l, &conf);
}

void ledger_finish(struct ledger *l)
{
    free(l->at);
    *l = (struct ledger){0};
}

/* --- metadata ---------------------------------------------------------------------------------------- */

static void fields_of(struct account *a, struct ledger_conf *conf, int64_t *slide_ms,
                      struct meta_field fields[META_FIELDS])
{
    const struct meta_field all[META_FIELDS] = {
        {"epoch", &conf->epoch}, {"slide", slide_ms},        {"rules", &conf->rules},
        {"row", &a->row},        {"clock", &a->clock_ms},    {"start", &a->start},
        {"since", &a->since_ms}, {"counted", &a->counted_n},
    };
    for (size_t i = 0; i < META_FIELDS; i++) fields[i] = all[i];
}

static void write_mark(const struct ledger_conf *conf, const struct account *a,
                       char metadata[CHECKPOINT_METADATA_BYTES])
{
    struct account copy = *a;
    struct ledger_conf kept = *conf;
    int64_t slide_ms = conf->window->slide_ms;
    struct meta_field fields[META_FIELDS];
    fields_of(&copy, &kept, &slide_ms, fields);
    meta_write(metadata, META_VERSION, fields, META_FIELDS);
}

void ledger_first(const struct ledger_conf *conf, char metadata[CHECKPOINT_METADATA_BYTES])
{
    const struct account nothing = {
        .clock_ms = WATERMARK_NONE, .start = NO_START, .since_ms = INT64_MAX};
    write_mark(conf, &nothing, metadata);
}

static bool differs(const char *what, int64_t found, int64_t expected, struct err *e)
{
    return err_refuse(
        e,
        "the group's offsets were committed with a %s of %lld, here it is %lld: restore the "
        "configuration, or start afresh with weir-reset ranking",
        what, (long long)found, (long long)expected);
}

/* What rank would refuse in the next batch, or nobody can count with, was never committed by us. */
static bool sane(const struct account *a)
{
    bool clock = a->clock_ms >= -WINDOW_TIME_MAX_MS && a->clock_ms <= WINDOW_TIME_MAX_MS;
    bool since = a->since_ms >= -WINDOW_TIME_MAX_MS && watermark_sane(a->since_ms);
    bool endless = a->since_ms == INT64_MIN || a->since_ms == INT64_MAX;
    return a->row >= 0 && a->row <= INT32_MAX && a->counted_n >= 0 &&
           a->counted_n < INT64_MAX / 2 && a->start >= 0 && a->start <= a->from &&
           (clock || a->clock_ms == WATERMARK_NONE) && (since || endless);
}

static bool read_mark(const struct ledger_conf *conf, const struct checkpoint *part,
                      struct account *a, struct err *e)
{
    struct ledger_conf found;
    int64_t slide_ms;
    struct meta_field fields[META_FIELDS];
    *a = (struct account){
        .partition = part->partition, .from = part->offset, .offset = part->offset};
    fields_of(a, &found, &slide_ms, fields);
    if (!meta_read(part->metadata, META_VERSION, fields, META_FIELDS, e)) return false;
    if (found.epoch != conf->epoch) return differs("ranking epoch", found.epoch, conf->epoch, e);
    if (slide_ms != conf->window->slide_ms)
        return differs("window.slide in ms", slide_ms, conf->window->slide_ms, e);
    if (found.rules != conf->rules)
        return differs("digest of [record], [time] and [weight]", found.rules, conf->rules, e);
    if (a->start == NO_START) {
        a->start = part->offset;
        if (a->start == 0) a->since_ms = INT64_MIN;
    }
    return sane(a) || meta_refuse(part->metadata, e);
}

static int by_partition(const void *a, const void *b)
{
    const struct account *x = a, *y = b;
    return (x->partition > y->partition) - (x->partition < y->partition);
}

bool ledger_open(struct ledger *l, const struct checkpoint *parts, size_t n, struct err *e)
{
    ledger_close(l);
    l->at = mem_zero(n, sizeof l->at[0]);
    for (; l->n < n; l->n++)
        if (!read_mark(&l->conf, &parts[l->n], &l->at[l->n], e)) return false;
    qsort(l->at, n, sizeof l->at[0], by_partition);
    l->changed = n > 0; /* we tell who has them now */
    return true;
}

/* --- what happens ------------------------------------------------------------------------------------ */

struct account *ledger_account(struct ledger *l, int32_t partition)
{
    size_t i = 0;
    while (i < l->n && l->at[i].partition != partition) i++;
    assert(i < l->n);
    return &l->at[i];
}

static void awake(struct ledger *l, struct account *a)
{
    a->at_end = a->idle = false;
    l->changed = true;
}

void ledger_row(struct ledger *l, struct account *a, int64_t offset, int32_t index)
{
    a->offset = offset;
    a->row = index + 1;
    awake(l, a);
}

void ledger_record(struct ledger *l, struct account *a, int64_t offset)
{
    a->offset = offset + 1;
    a->row = 0;
    awake(l, a);
}

void ledger_end(struct ledger *l, struct account *a, int64_t offset, int64_t now_ms)
{
    if (!a->at_end) a->end_ms = now_ms;
    a->at_end = true;
    if (offset <= a->offset) return;
    a->offset = offset; /* behind a transaction's marker */
    a->row = 0;
    l->changed = true;
}

/* A group that began in the middle has seen whole panes from that pane on that no earlier row can have been counted in:
 * a row so far ahead would have closed the pane of the first one that we read, and made that late. */
void ledger_seen(struct ledger *l, struct account *a, int64_t time_ms)
{
    if (a->since_ms != INT64_MAX) return;
    int64_t slide_ms = l->conf.window->slide_ms,
            end_ms = watermark_floor(time_ms, slide_ms) + slide_ms;
    int64_t sure_ms = end_ms + l->conf.time->delay_ms + l->conf.time->lateness_ms;
    a->since_ms = watermark_floor(sure_ms + slide_ms - 1, slide_ms);
}

void ledger_time(struct ledger *l, int64_t now_ms, bool (*may_read)(void *ctx, int32_t partition),
                 void *ctx)
{
    l->least_ms = INT64_MAX;
    for (size_t i = 0; i < l->n; i++) {
        struct account *a = &l->at[i];
        if (!may_read(ctx, a->partition)) a->end_ms = now_ms;
        if (a->at_end && !a->idle && now_ms - a->end_ms >= l->conf.time->idle_timeout_ms)
            a->idle = l->changed = true;
        if (!a->idle && a->clock_ms != WATERMARK_NONE && a->clock_ms < l->least_ms)
            l->least_ms = a->clock_ms;
    }
    if (l->least_ms == INT64_MAX) l->least_ms = WATERMARK_NONE;
}

/* --- what is told ------------------------------------------------------------------------------------ */

void ledger_lines(const struct ledger *l, int32_t of, struct batch *b)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct account *a = &l->at[i];
        batch_add_line(b, &(struct batch_line){
                              .partition = a->partition,
                              .of = of > a->partition ? of : a->partition + 1,
                              .start = a->start,
                              .from = a->from,
                              .to = a->offset,
                              .clock_ms = a->clock_ms,
                              .since_ms = a->since_ms,
                              .idle = a->idle,
                          });
    }
}

void ledger_marks(const struct ledger *l, struct checkpoint *marks)
{
    for (size_t i = 0; i < l->n; i++) {
        marks[i] = (struct checkpoint){.partition = l->at[i].partition, .offset = l->at[i].offset};
        write_mark(&l->conf, &l->at[i], marks[i].metadata);
    }
}

void ledger_told(struct ledger *l)
{
    for (size_t i = 0; i < l->n; i++) l->at[i].from = l->at[i].offset;
    l->changed = false;
}
