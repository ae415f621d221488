/* What goes into a recommendation, and what the one before was worth. Pure. */
#ifndef WEIR_RECOMMEND_CHOICE_H
#define WEIR_RECOMMEND_CHOICE_H

#include "flow/history.h"
#include "flow/slate.h"
#include "flow/weights.h"

struct choice {
    const struct str *answer; /* the model's items, best first; none if it did not answer */
    size_t answer_n;
    const struct slate *hot;        /* popular items, best first; NULL = not known */
    const struct history *consumed; /* whose items are not recommended */
    size_t n;                       /* items wanted */
};

/* choice_slate takes the answer, without what is consumed or there twice, and fills up from the
 * hot list. The caller frees it. */
struct slate *choice_slate(const struct choice *c);

/* choice_reward is what the rows of a round say about the slate that was shown at shown_ms: the
 * sum of their weights, as far as their item was in it and their time is not before it. */
int64_t choice_reward(const struct weights *w, const struct slate *shown, int64_t shown_ms,
                      const struct history_entry *rows, size_t n);

#endif
