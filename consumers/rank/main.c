/* weir-rank: weir-panes -> windows -> the ranking in Redis. */
#include <assert.h>

#include "flow/pipeline.h"
#include "rank/rank.h"

static bool check(void *self, struct err *e)
{
    return rank_check(self, e);
}

int main(int argc, char **argv)
{
    struct rank_conf conf = {0};
    const struct config_part parts[] = {
        {conf_kafka_rows, &conf.kafka},
        {topics_kafka_rows, &conf.topics},
        {source_kafka_rows, &conf.group},
        {watermark_rows, &conf.time},
        {window_rows, &conf.window},
        {client_redis_rows, &conf.redis},
        {rank_rows, &conf},
        {0},
    };
    const struct daemon_spec spec = {
        "weir-rank", "keeps the most popular items of the sliding window in Redis",
        9121,        parts,
        check,       &conf};
    struct daemon *d = daemon_start(&spec, argc, argv);
    struct err e = {0};

    struct rank *rank = rank_new(&conf, d, &e);
    daemon_must(d, rank != NULL, &e);
    struct stage stage = rank_stage(rank);
    bool asked_to_leave = pipeline_run(rank_source(rank), &stage, d, &e);
    assert(asked_to_leave == (e.status == ERR_NONE));

    rank_free(rank);
    return daemon_end(d, &e);
}
