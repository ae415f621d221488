/* Records that were deleted before a group has done with them. A part of source_kafka. */
#ifndef WEIR_IO_LOSS_KAFKA_H
#define WEIR_IO_LOSS_KAFKA_H

#include "flow/source.h"

struct rd_kafka_s;

/* loss_kafka_refuse is the answer to a position that the brokers do not have: it logs what was lost of each of the
 * parts, from where a restart would go on, and sets e. It fills in what is committed for them. */
void loss_kafka_refuse(struct rd_kafka_s *rk, const char *topic, struct checkpoint *parts, size_t n,
                       struct err *e);

#endif
