/* The inference service: POST /transitions, answered on a server thread of its own. */
#ifndef WEIR_INFER_SERVICE_H
#define WEIR_INFER_SERVICE_H

#include "base/config.h"
#include "base/err.h"
#include "base/metrics.h"

/* [infer] */
struct service_conf {
    char *listen, *model;
};

extern const struct config_row service_rows[];

struct service;

/* service_new maps the model and serves at once; NULL with e set when it cannot. */
MUST_CHECK struct service *service_new(const struct service_conf *conf, struct metrics *m,
                                       struct err *e);

/* service_free waits for the answer in hand. NULL is fine. */
void service_free(struct service *s);

int service_port(const struct service *s);

/* service_moves is true if an answer was given since the last call, or none is owed. */
bool service_moves(struct service *s);

#endif
