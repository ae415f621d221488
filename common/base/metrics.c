#include "base/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const struct bucket {
    int64_t us;
    const char *seconds;
} buckets[] = {
    {50, "0.00005"},  {100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},     {1000, "0.001"},
    {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"},    {50000, "0.05"},
    {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},      {2500000, "2.5"},
    {5000000, "5"},   {10000000, "10"}, {30000000, "30"}, {INT64_MAX, "+Inf"},
};

struct metric {
    enum kind kind;
    char *name, *labels, *help;                  /* own */
    _Atomic int64_t value;                       /* of a histogram: the sum in us */
    _Atomic int64_t bucket_n[COUNT_OF(buckets)]; /* not cumulative */
};

struct metrics {
    pthread_mutex_t lock; /* of the list; values are atomic */
    struct metric **at;   /* own; series of one name stand together */
    size_t n, cap;
};

struct metrics *metrics_new(void)
{
    struct metrics *m = mem_zero(1, sizeof *m);
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->n; i++) {
        free(m->at[i]->name);
        free(m->at[i]->labels);
        free(m->at[i]->help);
        free(m->at[i]);
    }
    free(m->at);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static struct metric *insert(struct metrics *m, size_t at, const struct metric *series)
{
    m->at = mem_grow(m->at, m->n, &m->cap, sizeof m->at[0]);
    memmove(m->at + at + 1, m->at + at, (m->n - at) * sizeof m->at[0]);
    m->n++;
    struct metric *added = m->at[at] = mem_zero(1, sizeof *added);
    added->kind = series->kind;
    added->name = mem_dup(series->name, strlen(series->name));
    added->labels = mem_dup(series->labels, strlen(series->labels));
    added->help = mem_dup(series->help, strlen(series->help));
    return added;
}

static struct metric *find_or_make(struct metrics *m, const struct metric *series)
{
    struct metric *found = NULL;
    pthread_mutex_lock(&m->lock);
    size_t behind = m->n; /* the last series of the name */
    for (size_t i = 0; !found && i < m->n; i++) {
        if (strcmp(m->at[i]->name, series->name) != 0) continue;
        assert(m->at[i]->kind == series->kind);
        behind = i + 1;
        if (strcmp(m->at[i]->labels, series->labels) == 0) found = m->at[i];
    }
    if (!found) found = insert(m, behind, series);
    pthread_mutex_unlock(&m->lock);
    return found;
}

struct metric *metrics_counter(struct metrics *m, const char *name, const char *labels,
                               const char *help)
{
    return find_or_make(m, &(struct metric){COUNTER, (char *)name, (char *)labels, (char *)help});
}

struct metric *metrics_gauge(struct metrics *m, const char *name, const char *labels,
                             const char *help)
{
    return find_or_make(m, &(struct metric){GAUGE, (char *)name, (char *)labels, (char *)help});
}

struct metric *metrics_histogram(struct metrics *m, const char *name, const char *labels,
                                 const char *help)
{
    return find_or_make(m, &(struct metric){HISTOGRAM, (char *)name, (char *)labels, (char *)help});
}

static void add(_Atomic int64_t *value, int64_t n)
{
    atomic_fetch_add_explicit(value, n, memory_order_relaxed);
}

static int64_t get(const _Atomic int64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

void metrics_add(struct metric *m, int64_t n)
{
    assert(m->kind == GAUGE || (m->kind == COUNTER && n >= 0));
    add(&m->value, n);
}

void metrics_set(struct metric *m, int64_t value)
{
    assert(m->kind == GAUGE);
    atomic_store_explicit(&m->value, value, memory_order_relaxed);
}

void metrics_observe_us(struct metric *m, int64_t us)
{
    assert(m->kind == HISTOGRAM);
    if (us < 0) us = 0;
    size_t i = 0;
    while (us > buckets[i].us) i++;
    add(&m->bucket_n[i], 1);
    add(&m->value, us);
}

int64_t metrics_value(const struct metric *m)
{
    if (m->kind != HISTOGRAM) return get(&m->value);
    int64_t n = 0;
    for (size_t i = 0; i < COUNT_OF(buckets); i++) n += get(&m->bucket_n[i]);
    return n;
}

/* name{labels} value */
static void render_line(const struct metric *m, const char *suffix, const char *value,
                        struct buf *out)
{
    const char *open = m->labels[0] ? "{" : "", *close = m->labels[0] ? "}" : "";
    buf_printf(out, "weir_%s%s%s%s%s %s\n", m->name, suffix, open, m->labels, close, value);
}

static void render_number(const struct metric *m, const char *suffix, int64_t value,
                          struct buf *out)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    render_line(m, suffix, text, out);
}

static void render_histogram(const struct metric *m, struct buf *out)
{
    int64_t n = 0, sum_us = get(&m->value);
    for (size_t i = 0; i < COUNT_OF(buckets); i++) {
        n += get(&m->bucket_n[i]);
        buf_printf(out, "weir_%s_bucket{%s%sle=\"%s\"} %lld\n", m->name, m->labels,
                   m->labels[0] ? "," : "", buckets[i].seconds, (long long)n);
    }
    char seconds[48];
    snprintf(seconds, sizeof seconds, "%lld.%06d", (long long)(sum_us / 1000000),
             (int)(sum_us % 1000000));
    render_line(m, "_sum", seconds, out);
    render_number(m, "_count", n, out);
}

void metrics_render(struct metrics *m, struct buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->n; i++) {
        const struct metric *series = m->at[i];
        if (i == 0 || strcmp(m->at[i - 1]->name, series->name) != 0)
            buf_printf(out, "# HELP weir_%s %s\n# TYPE weir_%s %s\n", series->name, series->help,
                       series->name, types[series->kind]);
        if (series->kind == HISTOGRAM)
            render_histogram(series, out);
        else
            render_number(series, "", get(&series->value), out);
    }
    pthread_mutex_unlock(&m->lock);
}
