/* weir-recommend: weir-events -> rounds of due users -> MongoDB recommendations and users. */
#include <assert.h>

#include "flow/pipeline.h"
#include "recommend/recommend.h"

static bool check(void *self, struct err *e)
{
    return recommend_check(self, e);
}

int main(int argc, char **argv)
{
    struct recommend_conf conf = {0};
    const struct config_part parts[] = {
        INPUT_PARTS(conf.input),
        {watermark_rows, &conf.time},
        {recommend_rows, &conf.own},
        {client_rows, &conf.infer},
        {client_mongo_rows, &conf.mongo},
        {client_redis_rows, &conf.redis},
        {0},
    };
    const struct daemon_spec spec = {"weir-recommend",
                                     "recommends what follows from what users did last",
                                     9131,
                                     parts,
                                     check,
                                     &conf};
    struct daemon *d = daemon_start(&spec, argc, argv);
    struct err e = {0};
    struct input in;
    daemon_must(d, input_open(&in, &conf.input, "recommend", 0, d, &e), &e);
    struct recommend *recommend = recommend_new(&conf, &in, d, &e);
    daemon_must(d, recommend != NULL, &e);

    struct stage stage = recommend_stage(recommend);
    bool asked_to_leave = pipeline_run(in.source, &stage, d, &e);
    assert(asked_to_leave == (e.status == ERR_NONE));
    recommend_free(recommend);
    input_close(&in);
    return daemon_end(d, &e);
}
