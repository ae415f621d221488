/* [kafka] and [topics]: how to reach the brokers, and what Weir's topics are called and made of. */
#ifndef WEIR_IO_CONF_KAFKA_H
#define WEIR_IO_CONF_KAFKA_H

#include "base/config.h"

struct conf_kafka {
    struct config_pairs pairs; /* handed to librdkafka as they are; what Weir's delivery rests on is refused */
    char *password;            /* password_file: becomes sasl.password */
};

extern const struct config_row conf_kafka_rows[];

struct rd_kafka_conf_s;

/* conf_kafka_make returns a new librdkafka configuration: Weir's settings (role "consumer" or "producer"), then
 * the pairs. NULL with e set (refused) when librdkafka or Weir refuses a pair. The caller owns it. */
MUST_CHECK struct rd_kafka_conf_s *conf_kafka_make(const struct conf_kafka *conf, bool producer, struct err *e);

#endif
