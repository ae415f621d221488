/* Kafka as the ranking daemons see it, in memory: the topic weir-panes, which is a source_file, the late rows, and
 * transactions over both that also commit the offsets of a source; and the dead letters, which have none. Stands in for io/{conf,source,sink,state,topics}_kafka.c.
 * What is committed survives the deaths of the daemons. */
#ifndef WEIR_TESTS_KAFKA_DOUBLE_H
#define WEIR_TESTS_KAFKA_DOUBLE_H

#include <stdio.h>

#include "io/sink_kafka.h"
#include "io/topics_kafka.h"

void kafka_double_open(void);
void kafka_double_close(void);

struct source *kafka_double_panes(void); /* lent */

/* A new producer: what its predecessor left open is aborted. Lent. */
struct sink_kafka *kafka_double_sink(void);

/* For so long nobody has asked the broker for anything; no epoch is to be read; no dead letter is taken. */
void kafka_double_sleep(int64_t ms);
void kafka_double_refuse_epochs(void);
void kafka_double_refuse_letters(void);

/* Up to where the panes were deleted. */
int64_t kafka_double_trimmed(void);

/* The next commit is refused: the transaction is aborted. */
void kafka_double_abort_next(void);

/* What readers find in the topic of the late rows or of the dead letters. */
size_t kafka_double_n(enum topics_kafka topic);

/* kafka_double_letters writes them in the order of their texts, equal ones each or but once: the key, and what stands in the
 * value from a member on. */
void kafka_double_letters(enum topics_kafka topic, const char *member, bool once, FILE *out);

#endif
