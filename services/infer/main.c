#include <poll.h>
#include <signal.h>

#include "base/daemon.h"
#include "base/log.h"
#include "infer/service.h"

enum { LOOK_MS = 200 };

static volatile sig_atomic_t asked_to_reload;

static void on_hangup(int signal_n)
{
    (void)signal_n;
    asked_to_reload = 1;
}

int main(int argc, char **argv)
{
    struct service_conf conf = {0};
    struct err e = {0};
    const struct config_part parts[] = {{service_rows, &conf}, {0}};
    const struct daemon_spec spec = {
        .name = "weir-infer",
        .purpose =
            "answers POST /MODEL: what to recommend after these items; SIGHUP loads all anew",
        .http_port = 9141,
        .parts = parts,
    };
    const struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
    sigaction(SIGHUP, &hangup, NULL);
    struct daemon *d = daemon_start(&spec, argc, argv);
    struct service *s = service_new(&conf, daemon_metrics(d), daemon_health(d), &e);
    daemon_must(d, s, &e);
    log_info("weir-infer", "serve", "port=%d models=\"%s\"", service_port(s), conf.models);
    daemon_ready(d, true);
    while (daemon_running(d)) {
        if (service_moves(s)) daemon_progress(d);
        poll(NULL, 0, LOOK_MS); /* a signal ends it early */
        if (!asked_to_reload) continue;
        asked_to_reload = 0;
        service_reload(s);
    }
    service_free(s);
    return daemon_end(d, &e);
}
