/* What a commit says beside its offset, and whether it was made under the settings of today. */
#ifndef WEIR_RECOMMEND_SETTINGS_H
#define WEIR_RECOMMEND_SETTINGS_H

#include "flow/source.h"
#include "recommend/rounds.h"

/* What gives the numbers of a commit their meaning. */
struct settings {
    int64_t digest;              /* of interval, delay, lateness and what decides about rows */
    int64_t source_epoch, epoch; /* of the log, of our results */
    int64_t partition_n;         /* of the topic */
    bool allow_moved_users;      /* partition_n may have grown */
};

/* settings_digest sums up the first; record_digest is decode_digest. */
int64_t settings_digest(const struct rounds_conf *conf, int64_t record_digest);

/* settings_write makes the metadata of a commit. */
void settings_write(const struct settings *s, const struct rounds_mark *mark,
                    char text[CHECKPOINT_METADATA_BYTES]);

/* settings_read completes the mark of a commit (but for its offset). Metadata "" is that of an
 * operator who set the offset: all begins there. Refused: other settings, another epoch, more
 * partitions. */
MUST_CHECK bool settings_read(const struct settings *s, const struct checkpoint *commit,
                              struct rounds_mark *ret_mark, struct err *e);

#endif
