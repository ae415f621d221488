#include "replay/bookmark.h"

#include "base/wire.h"

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
    bool good = wire_done(&w) && b->place.offset >= 0 && b->place.line >= 0;
    return good || damaged(e);
}
