#include <poll.h>

#include "base/daemon.h"
#include "base/log.h"
#include "infer/service.h"

enum { LOOK_MS = 200 };

int main(int argc, char **argv)
{
    struct service_conf conf = {0};
    struct err e = {0};
    const struct config_part parts[] = {{service_rows, &conf}, {0}};
    const struct daemon_spec spec = {
        .name = "weir-infer",
        .purpose = "answers POST /transitions: what to recommend after these items",
        .http_port = 9141,
        .parts = parts,
    };
    struct daemon *d = daemon_start(&spec, argc, argv);
    struct service *s = service_new(&conf, daemon_metrics(d), &e);
    daemon_must(d, s, &e);
    log_info("weir-infer", "serve", "port=%d model=\"%s\"", service_port(s), conf.model);
    daemon_ready(d, true);
    while (daemon_running(d)) {
        if (service_moves(s)) daemon_progress(d);
        poll(NULL, 0, LOOK_MS); /* a signal ends it early */
    }
    service_free(s);
    return daemon_end(d, &e);
}
