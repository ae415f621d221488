#include "recommend/settings.h"

#include <string.h>

#include "base/wire.h"
#include "flow/meta.h"

enum { VERSION = 1, FIELD_N = 9 };

int64_t settings_digest(const struct rounds_conf *conf, int64_t record_digest)
{
    struct buf b;
    buf_init(&b, 256);
    wire_put_int(&b, conf->interval_ms);
    wire_put_int(&b, conf->time.delay_ms);
    wire_put_int(&b, conf->time.lateness_ms);
    wire_put_int(&b, record_digest);
    int64_t digest =
        (int64_t)(wire_hash(buf_str(&b)) >> 1); /* not the number that stands for none */
    buf_finish(&b);
    return digest;
}

/* The numbers of a commit, in the order of its text. */
struct record_of {
    struct rounds_mark mark;
    struct settings under;
};

static void fields_of(struct record_of *c, struct meta_field fields[FIELD_N])
{
    const struct meta_field all[FIELD_N] = {
        {"clock", &c->mark.state.clock_ms}, {"line", &c->mark.state.line_ms},
        {"done", &c->mark.done_ms},         {"cut", &c->mark.cut_offset},
        {"cutline", &c->mark.cut_line_ms},  {"of", &c->under.partition_n},
        {"epoch", &c->under.source_epoch},  {"run", &c->under.epoch},
        {"digest", &c->under.digest},
    };
    memcpy(fields, all, sizeof all);
}

void settings_write(const struct settings *s, const struct rounds_mark *mark,
                    char text[CHECKPOINT_METADATA_BYTES])
{
    struct record_of c = {*mark, *s};
    struct meta_field fields[FIELD_N];
    fields_of(&c, fields);
    meta_write(text, VERSION, fields, FIELD_N);
}

static bool same(const struct settings *now, const struct settings *then, int32_t partition,
                 struct err *e)
{
    if (then->source_epoch != now->source_epoch || then->epoch != now->epoch)
        return err_refuse(
            e, "partition %d: the offsets are of another epoch: run weir-reset recommend",
            partition);
    if (then->digest != now->digest)
        return err_refuse(
            e,
            "partition %d: the offsets were committed with another recommend.interval, "
            "time.delay, time.lateness or [record]: set them back, or start afresh with "
            "weir-reset recommend",
            partition);
    if (then->partition_n < now->partition_n && !now->allow_moved_users)
        return err_refuse(e,
                          "the topic had %lld partitions and has %lld now: users have moved, and "
                          "nothing exact can be promised for them; start afresh with weir-reset "
                          "all, or set recommend.allow_moved_users = yes",
                          (long long)then->partition_n, (long long)now->partition_n);
    return true;
}

static bool sane(const struct rounds_mark *m)
{
    bool cut = m->cut_offset == ROUNDS_NO_CUT || m->cut_offset >= 0;
    return cut && watermark_sane(m->state.clock_ms) && watermark_sane(m->state.line_ms) &&
           watermark_sane(m->done_ms) && watermark_sane(m->cut_line_ms);
}

bool settings_read(const struct settings *s, const struct checkpoint *commit,
                   struct rounds_mark *ret_mark, struct err *e)
{
    struct record_of c = {.mark = {.state = {WATERMARK_NONE, WATERMARK_NONE},
                                   .done_ms = WATERMARK_NONE,
                                   .cut_offset = ROUNDS_NO_CUT,
                                   .cut_line_ms = WATERMARK_NONE}};
    struct meta_field fields[FIELD_N];
    fields_of(&c, fields);
    bool said = commit->metadata[0] != '\0';
    if (said && !meta_read(commit->metadata, VERSION, fields, FIELD_N, e)) return false;
    if (said && !same(s, &c.under, commit->partition, e)) return false;
    if (!sane(&c.mark)) return meta_refuse(commit->metadata, e);
    *ret_mark = c.mark;
    ret_mark->offset = commit->offset;
    return true;
}
