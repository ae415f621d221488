#include "flow/source.h"

bool source_poll(struct source *s, const struct stage *stage, int64_t wait_ms, struct err *e)
{
    return s->kind->poll(s, stage, wait_ms, e);
}

bool source_read(struct source *s, const struct stage *stage, size_t max, struct err *e)
{
    return s->kind->read(s, stage, max, e);
}

enum commit source_commit(struct source *s, const struct checkpoint *parts, size_t n, struct err *e)
{
    return s->kind->commit(s, parts, n, e);
}

bool source_reload(struct source *s, struct err *e)
{
    return s->kind->reload(s, e);
}

bool source_committed(struct source *s, struct checkpoint *parts, size_t n, struct err *e)
{
    return s->kind->committed(s, parts, n, e);
}

int64_t source_first_offset(struct source *s, int32_t partition, struct err *e)
{
    return s->kind->first_offset(s, partition, e);
}

int32_t source_partition_n(struct source *s)
{
    return s->kind->partition_n(s);
}

bool source_leave(struct source *s, const struct stage *stage, struct err *e)
{
    return s->kind->leave(s, stage, e);
}

void source_free(struct source *s)
{
    if (s) s->kind->free(s);
}
