/* [kafka]: how to reach the brokers, and every other setting of librdkafka. */
#ifndef WEIR_IO_CONF_KAFKA_H
#define WEIR_IO_CONF_KAFKA_H

#include "base/config.h"

struct conf_kafka {
    struct config_pairs
        pairs;      /* handed to librdkafka as they are; what Weir's delivery rests on is refused */
    char *password; /* password_file: becomes sasl.password */
};

extern const struct config_row conf_kafka_rows[];

struct rd_kafka_s;
struct rd_kafka_conf_s;

/* conf_kafka_make returns a new librdkafka configuration: Weir's settings for its role, then the pairs. NULL with
 * e set (refused) when librdkafka or Weir refuses a pair. The caller owns it. */
MUST_CHECK struct rd_kafka_conf_s *conf_kafka_make(const struct conf_kafka *conf, bool producer,
                                                   struct err *e);

/* conf_kafka_check is true for settings that conf_kafka_make will take. */
MUST_CHECK bool conf_kafka_check(const struct conf_kafka *conf, struct err *e);

/* conf_kafka_set sets one of Weir's own settings; asserts that librdkafka knows it and takes the value. */
void conf_kafka_set(struct rd_kafka_conf_s *rk_conf, const char *name, const char *value);
void conf_kafka_set_int(struct rd_kafka_conf_s *rk_conf, const char *name, int64_t value);

/* conf_kafka_client_take makes a client of a configuration, which is gone then; NULL with e set (refused, if it is the
 * configuration that is wrong). */
MUST_CHECK struct rd_kafka_s *conf_kafka_client_take(struct rd_kafka_conf_s *rk_conf, bool producer,
                                                     struct err *e);

#endif
