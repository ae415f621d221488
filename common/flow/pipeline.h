/* The loop of a daemon: source -> stage, until a signal or an error ends it. */
#ifndef WEIR_FLOW_PIPELINE_H
#define WEIR_FLOW_PIPELINE_H

#include "base/daemon.h"
#include "flow/source.h"

/* pipeline_run serves the stage until the daemon is told to leave, then leaves the group. False with e set
 * when something ended it. */
MUST_CHECK bool pipeline_run(struct source *source, const struct stage *stage, struct daemon *d,
                             struct err *e);

#endif
