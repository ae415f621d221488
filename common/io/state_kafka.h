/* The compacted topic weir-state: replay positions and epochs, newest value of a key. */
#ifndef WEIR_IO_STATE_KAFKA_H
#define WEIR_IO_STATE_KAFKA_H

#include "base/buf.h"
#include "io/topics_kafka.h"

/* state_kafka_read copies the newest committed value of key into value (cleared first; empty = none, or
 * deleted). Reads read_committed from LSO - 256 backwards until the key is seen. */
MUST_CHECK bool state_kafka_read(const struct conf_kafka *kafka,
                                 const struct topics_kafka_conf *topics, struct str key,
                                 struct buf *value, struct err *e);

/* state_kafka_write writes one value (absent = delete the key) and waits for the broker. */
MUST_CHECK bool state_kafka_write(const struct conf_kafka *kafka,
                                  const struct topics_kafka_conf *topics, struct str key,
                                  struct str value, struct err *e);

/* Epochs: integers in decimal under "epoch:source", "epoch:ranking", "epoch:recommend", "epoch:archive"; 1 where none was
 * written yet. */
MUST_CHECK bool state_kafka_epoch(const struct conf_kafka *kafka,
                                  const struct topics_kafka_conf *topics, const char *which,
                                  int64_t *ret_epoch, struct err *e);

#endif
