/* What the brokers know about positions: committed ones with their metadata, first and last ones. Used by
 * source_kafka and sink_kafka. */
#ifndef WEIR_IO_OFFSETS_KAFKA_H
#define WEIR_IO_OFFSETS_KAFKA_H

#include "base/patience.h"
#include "flow/source.h"

struct rd_kafka_s;
struct rd_kafka_topic_partition_list_s;

/* offsets_kafka_list makes a list with offset and metadata of every part; the caller destroys it. */
struct rd_kafka_topic_partition_list_s *
offsets_kafka_list(const char *topic, const struct checkpoint *parts, size_t n);

/* What became of a question to the brokers. */
enum offsets_kafka {
    OFFSETS_KAFKA_KNOWN,
    OFFSETS_KAFKA_LATER, /* nobody answered, or an open transaction may still move them; e tells which */
    OFFSETS_KAFKA_BAD, /* asking again is no use; e is set */
};

/* offsets_kafka_committed fills in what rk's own group has committed for parts, in one request. */
MUST_CHECK enum offsets_kafka offsets_kafka_committed(struct rd_kafka_s *rk, const char *topic,
                                                      struct checkpoint *parts, size_t n,
                                                      int timeout_ms, struct err *e);

/* offsets_kafka_of_group fills in what another group has committed for one partition. */
MUST_CHECK bool offsets_kafka_of_group(struct rd_kafka_s *rk, const char *group, const char *topic,
                                       struct checkpoint *part, int timeout_ms, struct err *e);

/* offsets_kafka_commit commits for rk's own group, and waits for the answer as long as patience lasts. */
MUST_CHECK enum commit offsets_kafka_commit(struct rd_kafka_s *rk, const char *topic,
                                            const struct checkpoint *parts, size_t n,
                                            const struct patience *patience, struct err *e);

/* offsets_kafka_ends asks for the first offset of a partition and the one behind its last record (committed record, for
 * a client that reads those); librdkafka's error code. */
MUST_CHECK int offsets_kafka_ends(struct rd_kafka_s *rk, const char *topic, int32_t partition,
                                  int timeout_ms, int64_t *ret_first, int64_t *ret_end);

/* offsets_kafka_range returns the first offset of a partition and the one behind its last (committed) record. */
MUST_CHECK bool offsets_kafka_range(struct rd_kafka_s *rk, const char *topic, int32_t partition,
                                    int timeout_ms, int64_t *ret_first, int64_t *ret_end,
                                    struct err *e);

/* Where a group without offsets starts: earliest, latest, or a time (then it is >= 0, ms UTC). */
enum { OFFSETS_KAFKA_EARLIEST = -1, OFFSETS_KAFKA_LATEST = -2 };

/* offsets_kafka_parse_start reads "earliest", "latest" or a time. */
MUST_CHECK bool offsets_kafka_parse_start(const char *text, int64_t *ret_start_ms, struct err *e);

/* offsets_kafka_start returns where such a start lies in a partition: for a time the first record that is not older,
 * or the end; -1 with e set when nobody answers. */
int64_t offsets_kafka_start(struct rd_kafka_s *rk, const char *topic, int32_t partition,
                            int64_t start_ms, int timeout_ms, struct err *e);

/* offsets_kafka_trim deletes the records of a partition below offset. */
MUST_CHECK bool offsets_kafka_trim(struct rd_kafka_s *rk, const char *topic, int32_t partition,
                                   int64_t offset, int timeout_ms, struct err *e);

#endif
