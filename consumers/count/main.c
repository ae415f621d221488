/* weir-count: weir-events -> sums by pane and item -> weir-panes; late rows -> weir-late. */
#include <assert.h>
#include <malloc.h>

#include "count/count.h"
#include "flow/pipeline.h"

struct conf {
    struct input_conf input;
    struct watermark_conf time;
    struct window_conf window;
    struct op_count_conf weight;
    struct count_conf count;
    struct count_parts parts;
};

enum { KEEP_BYTES = 32 * 1024 * 1024 }; /* the most that glibc takes for a threshold of mmap */

/* librdkafka reads into blocks of megabytes, which are free again soon. malloc would give them back, and the kernel clear
 * their pages anew for each fetch. */
static void keep_free_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, KEEP_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
}

static bool check(void *self, struct err *e)
{
    const struct conf *conf = self;
    return count_check(&conf->parts, e);
}

int main(int argc, char **argv)
{
    struct input input = {0};
    struct conf conf = {
        .parts = {&conf.count, &conf.weight, &conf.window, &conf.time, &conf.input, &input}};
    const struct config_part parts[] = {
        INPUT_PARTS(conf.input),       {watermark_rows, &conf.time}, {window_rows, &conf.window},
        {op_count_rows, &conf.weight}, {count_rows, &conf.count},    {0},
    };
    const struct daemon_spec spec = {
        "weir-count", "sums up what the log says about each item, pane by pane", 9111, parts, check,
        &conf};
    keep_free_memory();
    struct daemon *d = daemon_start(&spec, argc, argv);
    struct err e = {0};

    const unsigned topics = 1u << TOPICS_PANES | 1u << TOPICS_LATE;
    daemon_must(d, input_open(&input, &conf.input, "count", topics, d, &e), &e);
    conf.parts.daemon = d;
    conf.parts.sink = count_sink(&conf.input, d, &e);
    daemon_must(d, conf.parts.sink != NULL, &e);
    struct count *count = count_new(&conf.parts, &e);
    daemon_must(d, count != NULL, &e);

    struct stage stage = count_stage(count);
    bool asked_to_leave = pipeline_run(input.source, &stage, d, &e);
    assert(asked_to_leave == (e.status == ERR_NONE));

    count_free(count);
    sink_kafka_free(conf.parts.sink);
    input_close(&input);
    return daemon_end(d, &e);
}
