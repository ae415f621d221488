#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "reset/reset.h"

#define ROW(name, type, fallback, field, help)                                                     \
    "reset", name, type, fallback, help, offsetof(struct reset_conf, field)

static const struct config_row rows[] = {
    {ROW("yes", CONFIG_BOOL, "no", yes, "do not ask")},
    {ROW("wait", CONFIG_DURATION, "1min", wait_ms, "how long daemons may take to leave")},
    {0},
};

static const struct options_row options[] = {{"yes", "reset.yes"}, {"wait", "reset.wait"}, {0}};

static bool agreed(const struct reset_scope *scope, const struct reset_conf *conf, struct err *e)
{
    if (conf->yes) return true;
    if (!isatty(STDIN_FILENO)) return err_refuse(e, "nobody can be asked here: give --yes");
    reset_describe(scope, conf, stdout);
    printf("Type \"yes\" to go on: ");
    fflush(stdout);
    char answer[16] = "";
    if (fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0) return true;
    return err_refuse(e, "nothing was deleted");
}

int main(int argc, char **argv)
{
    struct reset_conf conf = {0};
    const struct config_part parts[] = {
        {rows, &conf},
        {conf_kafka_rows, &conf.kafka},
        {topics_kafka_rows, &conf.topics},
        {client_redis_rows, &conf.redis},
        {client_mongo_rows, &conf.mongo},
        {0},
    };
    const struct options_spec spec = {
        .name = "weir-reset",
        .purpose = "Deletes what weir-count and weir-rank (ranking), weir-recommend or "
                   "weir-archive have made, so "
                   "that they\nstart afresh; or everything, the events too (all).",
        .arguments = "ranking|recommend|archive|all",
        .rows = options,
        .parts = parts,
    };
    int first = options_read(&spec, argc, argv);
    struct err e = {0};
    if (argc - first != 1) err_refuse(&e, "what? One of ranking, recommend, archive, all");
    const struct reset_scope *scope = e.status ? NULL : reset_scope(argv[first], &e);
    if (scope && agreed(scope, &conf, &e) && reset_run(scope, &conf, &e))
        printf("weir-reset: %s is reset\n", argv[first]);
    if (e.status) options_fail(spec.name, &e);
    config_free(parts);
    return 0;
}
