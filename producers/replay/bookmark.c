#include "replay/bookmark.h"

#include "base/wire.h"
#include "flow/window.h"

/* Version 1 knew nothing of the runs before --restart. */
enum { VERSION = 2 };

void bookmark_encode(const struct bookmark *b, struct buf *out)
{
    buf_clear(out);
    wire_put_uint(out, VERSION);
    wire_put_str(out, b->job);
    wire_put_str(out, b->name);
    wire_put_int(out, b->epoch);
    wire_put_int(out, b->partitions);
    wire_put_uint(out, b->options);
    wire_put_int(out, b->loop);
    wire_put_int(out, b->place.offset);
    wire_put_int(out, b->place.line);
    wire_put_uint(out, b->place.head_hash);
    wire_put_uint(out, b->place.tail_hash);
    wire_put_int(out, b->first_ms);
    wire_put_int(out, b->last_ms);
    wire_put_int(out, b->sent);
    wire_put_int(out, b->rejected);
    wire_put_int(out, b->before_sent);
    wire_put_int(out, b->before_rejected);
    wire_seal(out);
}

/* How far a later pass is moved, by which the caller multiplies, stays a time. */
static bool times_are_sane(const struct bookmark *b)
{
    if (b->first_ms == INT64_MAX && b->last_ms == INT64_MIN) return b->loop == 0; /* no row yet */
    if (b->first_ms < -WINDOW_TIME_MAX_MS || b->last_ms > WINDOW_TIME_MAX_MS) return false;
    int64_t shift_ms;
    return b->first_ms <= b->last_ms && b->loop >= 0 &&
           !__builtin_mul_overflow(b->loop, b->last_ms - b->first_ms + 1000, &shift_ms) &&
           shift_ms <= 4 * WINDOW_TIME_MAX_MS;
}

static bool counts_are_sane(const struct bookmark *b)
{
    const int64_t counts[] = {b->place.offset, b->place.line,  b->sent,
                              b->rejected,     b->before_sent, b->before_rejected};
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        if (counts[i] < 0 || counts[i] > INT64_MAX / 2) return false;
    return true;
}

static bool damaged(struct err *e)
{
    return err_refuse(e,
                      "replay position: the stored record is damaged; use --restart to begin anew");
}

bool bookmark_decode(struct bookmark *b, struct str record, struct err *e)
{
    struct wire w;
    if (!wire_open(&w, record)) return damaged(e);
    uint64_t version = wire_uint(&w);
    if (version != VERSION && version != VERSION - 1)
        return err_refuse(
            e, "replay position: version %llu is not known here; upgrade, or use --restart",
            (unsigned long long)version);
    b->job = wire_str(&w);
    b->name = wire_str(&w);
    b->epoch = wire_int(&w);
    b->partitions = wire_int(&w);
    b->options = wire_uint(&w);
    b->loop = wire_int(&w);
    b->place.offset = wire_int(&w);
    b->place.line = wire_int(&w);
    b->place.head_hash = wire_uint(&w);
    b->place.tail_hash = wire_uint(&w);
    b->first_ms = wire_int(&w);
    b->last_ms = wire_int(&w);
    b->sent = wire_int(&w);
    b->rejected = wire_int(&w);
    b->before_sent = version == VERSION ? wire_int(&w) : 0;
    b->before_rejected = version == VERSION ? wire_int(&w) : 0;
    return (wire_done(&w) && counts_are_sane(b) && times_are_sane(b)) || damaged(e);
}
