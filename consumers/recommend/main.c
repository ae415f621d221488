/* weir-recommend: rows of weir-events -> rounds of due users -> recommendations and users in MongoDB. */
#include "flow/pipeline.h"
#include "recommend/recommend.h"

static bool check(void *self, struct err *e)
{
    return recommend_check(self, e);
}

int main(int argc, char **argv)
{
    static struct recommend_conf conf;
    const struct config_part parts[] = {
        INPUT_PARTS(conf.input),
        {watermark_rows, &conf.time},
        {recommend_rows, &conf.own},
        {client_rows, &conf.infer},
        {client_mongo_rows, &conf.mongo},
        {client_redis_rows, &conf.redis},
        {0},
    };
    const struct daemon_spec spec = {
        .name = "weir-recommend",
        .purpose = "recommends to each user what follows from what he did last",
        .http_port = 9131,
        .parts = parts,
        .check = check,
        .check_ctx = &conf,
    };
    struct daemon *d = daemon_start(&spec, argc, argv);

    struct err e = {0};
    struct input in;
    daemon_must(d, input_open(&in, &conf.input, "recommend", 0, d, &e), &e);
    struct recommend *recommend = recommend_new(&conf, &in, d, &e);
    daemon_must(d, recommend != NULL, &e);

    struct stage stage = recommend_stage(recommend);
    bool good = pipeline_run(in.source, &stage, d, &e);
    recommend_free(recommend);
    input_close(&in);
    config_free(parts);
    return daemon_end(d, good ? NULL : &e);
}
