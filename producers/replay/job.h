/* A replay job: one name = one transactional id = one position. */
#ifndef WEIR_REPLAY_JOB_H
#define WEIR_REPLAY_JOB_H

#include "replay/bookmark.h"
#include "replay/replay.h"

struct job {
    char *name, *transactional_id,
        *key;           /* own; key is NULL for a job without a name: nothing is kept */
    struct bookmark at; /* where the job stands */
    struct buf record;  /* the bytes that `at` borrows from, or encodes to */
};

/* job_init names the job: --job, else the base name of path or topic, else (standard input) none. */
void job_init(struct job *j, const struct replay_conf *conf, const char *path,
              const char *events_topic);
void job_finish(struct job *j);

/* job_load reads the job's position, once the predecessor's transaction is over, and refuses one that does not
 * fit what is asked now: other options, partitions, epoch or an emptied topic. */
MUST_CHECK bool job_load(struct job *j, const struct replay_conf *conf, const char *events_topic,
                         struct err *e);

/* job_record encodes where the job stands; lent until the next call. */
struct str job_record(struct job *j);

#endif
