/* JSON rows: what is good is within the bounds, and is read again from what is written of it. */
#include <assert.h>
#include <stdlib.h>

#include "base/json_bytes.h"
#include "fuzz.h"
#include "io/decode.h"

static const struct decode_conf conf = {
    DECODE_JSON, "user,item,category,behavior,time", ",", DECODE_S, 0, INT64_C(4102444800000), 0};
static const struct record record = {.timestamp_ms = -1};
static struct decoder *decoder;

static void put_field(struct buf *out, const struct event *event, int column)
{
    if (!event->fields[column].at) return;
    if (out->len > 1) buf_add(out, ",", 1);
    json_bytes_str(out, str_of(event->columns->names[column]));
    buf_add(out, ":", 1);
    json_bytes_str(out, event->fields[column]);
}

static void same(struct str a, struct str b)
{
    assert(!a.at == !b.at && str_eq(a, b));
}

static void write_and_read(const struct event *event)
{
    struct event copy = *event, again;
    struct buf row;
    buf_init(&row, SIZE_MAX);
    buf_add(&row, "{", 1);
    for (int i = 0; i < event->columns->n; i++) put_field(&row, event, i);
    buf_add(&row, "}", 1);
    if (row.len <= DECODE_ROW_MAX_BYTES) {
        struct decoder *other = decode_new(&conf, &(struct err){0});
        enum decode_verdict verdict = decode_row(other, &record, buf_str(&row), 0, &again);
        assert(verdict == DECODE_GOOD && again.time_ms == copy.time_ms);
        for (int i = 0; i < copy.columns->n; i++) same(copy.fields[i], again.fields[i]);
        decode_free(other);
    }
    buf_finish(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct err e = {0};
    struct event event;
    if (!decoder) decoder = decode_new(&conf, &e);
    char *row = fuzz_exact((struct str){(const char *)at, n}, false);
    if (decode_row(decoder, &record, (struct str){row, n}, 0, &event) == DECODE_GOOD) {
        assert(event.user.len >= 1 && event.user.len <= 256 && str_is_text(event.user));
        assert(event.item.len >= 1 && event.item.len <= 256 && str_is_text(event.item));
        assert(event.time_ms >= conf.time_min_ms && event.time_ms <= conf.time_max_ms);
        write_and_read(&event);
    }
    free(row);
    return 0;
}
