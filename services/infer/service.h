/* The inference service, on server threads of its own:
 *
 *     POST /NAME                  the wire contract (infer/contract_json.h), by the model or split NAME
 *     GET  /models                what is served
 *     POST /models/NAME/reload    loads it anew, or for the first time
 *     GET  /healthz /readyz /metrics                                                              */
#ifndef WEIR_INFER_SERVICE_H
#define WEIR_INFER_SERVICE_H

#include "base/config.h"
#include "base/err.h"
#include "base/metrics.h"

struct health;

/* [infer], [ab] */
struct service_conf {
    char *listen, *models;
    int64_t threads;
    struct config_pairs ab;
};

extern const struct config_row service_rows[];

struct service;

/* service_new opens the models and serves at once; NULL with e set when it cannot. */
MUST_CHECK struct service *service_new(const struct service_conf *conf, struct metrics *m,
                                       struct health *health, struct err *e);

/* service_free waits for the answers in hand. NULL is fine. */
void service_free(struct service *s);

int service_port(const struct service *s);

/* service_reload loads all models anew. */
void service_reload(struct service *s);

/* service_moves is true if an answer was given since the last call, or none is owed. */
bool service_moves(struct service *s);

#endif
