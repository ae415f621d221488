/* One wave at a time asks, and one at a time is stored; they are stored in the order in which they were taken. They
 * share no user: a user's next round starts when his last one is stored.
 *
 * A wave costs the stores the same round trips whether it is large or small. So the second one waits until it
 * has a quarter of what fits; otherwise a few users would run ahead of the others all the time, in waves of their own. */
#include "recommend/waves.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct waves {
    struct wave *first, *second; /* own; the second is busy only while the first is */
};

struct waves *waves_new(const struct wave_conf *conf, const struct wave_parts *parts)
{
    struct waves *w = mem_zero(1, sizeof *w);
    w->first = wave_new(conf, parts);
    w->second = wave_new(conf, parts);
    return w;
}

void waves_free(struct waves *w)
{
    if (!w) return;
    wave_free(w->first);
    wave_free(w->second);
    free(w);
}

bool waves_idle(const struct waves *w)
{
    return !wave_busy(w->first);
}

bool waves_room(const struct waves *w)
{
    return !wave_busy(w->second) && !wave_asking(w->first);
}

bool waves_start(struct waves *w, struct rounds *const *parts, size_t n)
{
    if (!waves_room(w)) return false;
    return waves_idle(w) ? wave_start(w->first, parts, n, NULL)
                         : wave_start(w->second, parts, n, w->first);
}

static void move_up(struct waves *w)
{
    struct wave *done = w->first;
    w->first = w->second;
    w->second = done;
}

bool waves_step(struct waves *w, int64_t now_ms, int64_t *ret_wait_ms, struct err *e)
{
    bool stores_rest = wave_pauses(w->first, now_ms);
    if (wave_asking(w->second) && !wave_step(w->second, now_ms, stores_rest, ret_wait_ms, e))
        return false;
    if (!wave_step(w->first, now_ms, true, ret_wait_ms, e)) return false;
    if (!wave_busy(w->first)) move_up(w);
    return true;
}

const char *waves_trouble(const struct waves *w)
{
    const char *first = wave_trouble(w->first);
    return first[0] ? first : wave_trouble(w->second);
}

void waves_finish(struct waves *w)
{
    int64_t wait_ms = 0;
    struct err ignored = {0};
    while (wave_halfway(w->first) && !wave_trouble(w->first)[0])
        if (!wave_step(w->first, clock_now_ms(), false, &wait_ms, &ignored)) return;
}

void waves_drop(struct waves *w)
{
    wave_drop(w->first);
    wave_drop(w->second);
}
