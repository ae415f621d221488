/* The replay jobs whose positions are in weir-state. */
#ifndef WEIR_RESET_JOBS_H
#define WEIR_RESET_JOBS_H

#include "io/topics_kafka.h"

/* jobs_forget fences every replay into the events topic that is still running, and deletes its
 * position. A job that has committed nothing yet is not known here. */
MUST_CHECK bool jobs_forget(const struct conf_kafka *kafka, const struct topics_kafka_conf *topics,
                            struct err *e);

#endif
