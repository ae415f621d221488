/* The two sums that must hold once everything has settled, for the rows of the present epoch:
 *
 *     rows read by weir-replay = archived + bad          archived = counted + late
 *
 * bad rows are those that weir-replay rejected and those that became dead letters behind it. */
#ifndef WEIR_STATUS_BALANCE_H
#define WEIR_STATUS_BALANCE_H

#include "io/client_mongo.h"
#include "io/scan_kafka.h"
#include "io/topics_kafka.h"

#define BALANCE_UNKNOWN INT64_C(-1)

struct balance {
    int64_t epoch;
    int64_t sent, rejected; /* by the jobs whose positions are in weir-state */
    bool unread;            /* one of them was written by another version */
    int64_t archived;       /* documents in `events` */
    int64_t dead;           /* dead letters of weir-archive, each counted once */
    int64_t counted;        /* unknown: nobody has counted yet */
    int64_t late;           /* records in the late topic */
};

/* Where the terms are found. */
struct balance_from {
    struct scan_kafka *scan;    /* ref */
    struct client_mongo *mongo; /* ref */
    char *const *topics;        /* ref; by enum topics_kafka */
    int64_t epoch;              /* source.epoch */
};

/* balance_find fills b but for `counted`. */
MUST_CHECK bool balance_find(struct balance *b, const struct balance_from *from, struct err *e);

enum balance_state { BALANCE_HOLD, BALANCE_DIFFER, BALANCE_OPEN /* a term is not known */ };

enum balance_state balance_of_rows(const struct balance *b);
enum balance_state balance_of_events(const struct balance *b);

#endif
