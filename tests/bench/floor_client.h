/* A client of librdkafka with a few settings, for floors. */
#ifndef WEIR_BENCH_FLOOR_CLIENT_H
#define WEIR_BENCH_FLOOR_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "floor.h"

/* floor_client takes pairs of name and value up to a NULL name, and ends the process if they are refused. */
rd_kafka_t *floor_client(rd_kafka_type_t type, const char *settings[][2]);

/* floor_client_read calls back for every message of all partitions of a topic, from their beginnings on and at their
 * ends (RD_KAFKA_RESP_ERR__PARTITION_EOF), until *left is 0. */
typedef void floor_client_fn(rd_kafka_message_t *m, void *opaque);
void floor_client_read(const char *brokers, const char *topic, int32_t partition_n,
                       floor_client_fn *take, void *opaque, const int64_t *left);

int64_t floor_now_us(void); /* of a clock that never goes back */

#endif
