/* Two waves, one behind the other: while the first is stored, the second asks the inference service, so that neither the
 * stores nor the service wait for each other. */
#ifndef WEIR_RECOMMEND_WAVES_H
#define WEIR_RECOMMEND_WAVES_H

#include "recommend/wave.h"

struct waves;

/* As wave_new. */
struct waves *waves_new(const struct wave_conf *conf, const struct wave_parts *parts);
void waves_free(struct waves *w); /* NULL is fine */

/* waves_idle is true when all effects on all users taken are acknowledged. */
bool waves_idle(const struct waves *w);

/* waves_room is true when a wave may start. */
bool waves_room(const struct waves *w);

/* waves_start takes users of closed and committed rounds of n partitions, if there is room and are enough of them for
 * a wave. True if it did. */
bool waves_start(struct waves *w, struct rounds *const *parts, size_t n);

/* waves_step as wave_step. */
MUST_CHECK bool waves_step(struct waves *w, int64_t now_ms, int64_t *ret_wait_ms, struct err *e);

/* waves_trouble as wave_trouble. */
const char *waves_trouble(const struct waves *w);

/* waves_finish stores what is stored in part, unless a store is away. */
void waves_finish(struct waves *w);

/* waves_drop as wave_drop. */
void waves_drop(struct waves *w);

#endif
