#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "replay/replay.h"

static volatile sig_atomic_t asked_to_stop, at_work;

/* Before the first row is read there is nothing to finish, and brokers that are away need not be waited for. */
static void stop(int signal)
{
    (void)signal;
    asked_to_stop = 1;
    if (!at_work) _exit(0);
}

static bool running(void)
{
    at_work = 1;
    return !asked_to_stop;
}

static const struct options_row options[] = {
    {"columns", "record.columns"},     {"time-unit", "record.time_unit"},
    {"separator", "record.separator"}, {"format", "record.format"},
    {"header", "replay.header"},       {"speed", "replay.speed"},
    {"rate", "replay.rate"},           {"max", "replay.max"},
    {"from", "replay.from"},           {"until", "replay.until"},
    {"limit", "replay.limit"},         {"loop", "replay.loop"},
    {"sort", "replay.sort"},           {"dry-run", "replay.dry.run"},
    {"strict", "replay.strict"},       {"job", "replay.job"},
    {"restart", "replay.restart"},     {"rows-per-record", "replay.rows.per.record"},
    {"max-jump", "replay.max.jump"},   {0},
};

int main(int argc, char **argv)
{
    struct replay_conf conf = {0};
    struct err e = {0};
    const struct config_part parts[] = {
        {conf_kafka_rows, &conf.kafka},
        {topics_kafka_rows, &conf.topics},
        {decode_rows, &conf.record},
        {watermark_rows, &conf.time},
        {window_rows, &conf.window},
        {replay_rows, &conf.replay},
        {0},
    };
    const struct options_spec spec = {
        .name = "weir-replay",
        .purpose = "sends a behaviour log to Kafka, each row exactly once",
        .arguments = "FILE|-|topic:NAME",
        .rows = options,
        .parts = parts,
    };
    int argument = options_read(&spec, argc, argv);
    if (argc - argument != 1)
        err_refuse(&e, "expected one log: a file, - or topic:NAME (--help lists the options)");
    if (e.status) options_fail(spec.name, &e);
    struct sigaction action = {.sa_handler = stop}, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* nobody reads the log any more: no reason to stop */
    if (!replay_run(&conf, argv[argument], running, &e)) options_fail(spec.name, &e);
    config_free(parts);
    return 0;
}
