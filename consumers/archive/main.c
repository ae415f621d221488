/* weir-archive: weir-events -> MongoDB events and consumed; bad rows -> weir-dead. */
#include <assert.h>

#include "archive/archiver.h"
#include "flow/pipeline.h"

struct conf {
    struct input_conf input;
    struct client_mongo_conf mongo;
    struct events_mongo_conf archive;
    struct archiver_conf batch;
};

static bool check(void *self, struct err *e)
{
    const struct conf *conf = self;
    return input_check(&conf->input, e) && client_mongo_check(&conf->mongo, e);
}

int main(int argc, char **argv)
{
    struct conf conf = {0};
    const struct config_part parts[] = {
        INPUT_PARTS(conf.input),
        {client_mongo_rows, &conf.mongo},
        {events_mongo_rows, &conf.archive},
        {archiver_rows, &conf.batch},
        {0},
    };
    const struct daemon_spec spec = {
        "weir-archive", "keeps every event of the log in MongoDB", 9101, parts, check, &conf};
    struct daemon *d = daemon_start(&spec, argc, argv);
    struct err e = {0};

    struct input input;
    daemon_must(d, input_open(&input, &conf.input, "archive", 1u << TOPICS_DEAD, d, &e), &e);
    struct client_mongo *mongo = client_mongo_new(&conf.mongo, "weir-archive", &e);
    daemon_must(d, mongo != NULL, &e);
    struct letters *letters = letters_new(&conf.input, daemon_metrics(d), &e);
    daemon_must(d, letters != NULL, &e);
    struct events_mongo *events = events_mongo_new(mongo, input.epoch);
    struct archiver *archiver = archiver_new(&(struct archiver_parts){
        &conf.batch, &conf.archive, &conf.input, &input, events, letters, d});

    struct stage stage = archiver_stage(archiver);
    bool asked_to_leave = pipeline_run(input.source, &stage, d, &e);
    assert(asked_to_leave == (e.status == ERR_NONE));

    archiver_free(archiver);
    events_mongo_free(events);
    letters_free(letters);
    client_mongo_free(mongo);
    input_close(&input);
    return daemon_end(d, &e);
}
