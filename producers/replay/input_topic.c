#include "replay/input_topic.h"

#include <stdlib.h>

#include "io/decode.h"
#include "io/scan_kafka.h"
#include "replay/input_memory.h"

/* Records of a partition are merged by the greatest timestamp so far, so that none overtakes another of its own. */
struct merge {
    const char *topic; /* ref in caller */
    struct input_memory *rows;
    int32_t partition;
    int64_t clock_ms, line;
    struct err *e; /* ref in caller */
    bool good;
};

static bool add_record(void *ctx, const struct record *r)
{
    struct merge *m = ctx;
    struct str rest = r->value, row;
    if (m->partition != r->partition) m->clock_ms = INT64_MIN;
    m->partition = r->partition;
    if (r->timestamp_ms > m->clock_ms) m->clock_ms = r->timestamp_ms;
    for (int32_t index = -1; m->good && decode_next_row(&rest, &row, &index);)
        m->good = input_memory_add(m->rows, m->clock_ms, ++m->line, row, m->e);
    return m->good;
}

/* One partition after another, so that equal keys are always in the same order. */
static bool load_part(struct merge *m, struct scan_kafka *scan, struct scan_kafka_part *parts,
                      size_t n, size_t which, struct err *e)
{
    for (size_t i = 0; i < n; i++) parts[i].from = i == which ? parts[i].first : parts[i].end;
    return scan_kafka_read(scan, m->topic, parts, n, add_record, m, e) && m->good;
}

static bool load(struct merge *m, struct scan_kafka *scan, struct err *e)
{
    struct scan_kafka_part *parts = NULL;
    size_t n = 0;
    bool good = scan_kafka_parts(scan, m->topic, &parts, &n, e);
    if (good && n == 0) good = err_refuse(e, "topic:%s: there is no such topic", m->topic);
    for (size_t i = 0; good && i < n; i++) good = load_part(m, scan, parts, n, i, e);
    free(parts);
    return good;
}

bool input_topic(const struct conf_kafka *kafka, const char *name, int64_t max_bytes,
                 struct rows_input *ret, struct err *e)
{
    struct scan_kafka *scan = scan_kafka_new(kafka, e);
    if (!scan) return false;
    struct merge m = {.topic = name,
                      .rows = input_memory_new(name, max_bytes),
                      .partition = -1,
                      .e = e,
                      .good = true};
    bool good = load(&m, scan, e);
    scan_kafka_free(scan);
    if (!good) return input_memory_free(m.rows), false;
    *ret = input_memory_take(m.rows);
    return true;
}
