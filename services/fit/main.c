#include <stddef.h>

#include "base/log.h"
#include "base/options.h"
#include "fit/learn.h"
#include "io/decode.h"
#include "io/input_gz.h"

struct fit_conf {
    char *out;
    struct decode_conf record;
};

static const struct config_row fit_rows[] = {
    {"fit", "out", CONFIG_STR, "weir.model", "the model file to write",
     offsetof(struct fit_conf, out)},
    {0},
};

static const struct options_row options[] = {
    {"out", "fit.out"}, {"columns", "record.columns"}, {"time-unit", "record.time_unit"}, {0}};

struct tally {
    long long good, bad;
};

static bool learn_rows(struct learn *l, struct decoder *decoder, struct rows *rows,
                       struct tally *tally, struct err *e)
{
    const struct record record = {.timestamp_ms = -1};
    struct row row;
    struct event event;
    enum rows_next next;
    while ((next = rows_next(rows, &row, e)) == ROWS_ROW) {
        bool good = decode_row(decoder, &record, row.bytes, 0, &event) == DECODE_GOOD;
        *(good ? &tally->good : &tally->bad) += 1;
        if (good && !learn_add(l, event.user, event.item, event.time_ms, e)) return false;
    }
    return next == ROWS_END;
}

static bool learn_file(struct learn *l, const struct decode_conf *conf, const char *path,
                       struct err *e)
{
    struct tally tally = {0};
    struct rows_input input;
    struct decoder *decoder = decode_new(conf, e);
    struct rows *rows = decoder && input_gz(path, &input, e) ? rows_new(input, e) : NULL;
    bool read = rows && learn_rows(l, decoder, rows, &tally, e);
    rows_free(rows);
    decode_free(decoder);
    if (!read) return false;
    log_info("weir-fit", "read", "file=\"%s\" rows=%lld bad=%lld", path, tally.good, tally.bad);
    return tally.good > 0 ||
           err_refuse(e, "%s: no good row; look at --columns and --time-unit", path);
}

static bool fit(const struct fit_conf *conf, const char *path, struct err *e)
{
    struct learn *l = learn_new();
    bool good = learn_file(l, &conf->record, path, e);
    if (good) {
        struct model m = learn_model(l);
        good = model_write(&m, conf->out, e);
        if (good)
            log_info("weir-fit", "written", "file=\"%s\" items=%u transitions=%llu", conf->out,
                     m.items_n, (unsigned long long)m.edges_n);
    }
    learn_free(l);
    return good;
}

int main(int argc, char **argv)
{
    struct fit_conf conf = {0};
    struct err e = {0};
    const struct config_part parts[] = {{fit_rows, &conf}, {decode_rows, &conf.record}, {0}};
    const struct options_spec spec = {
        .name = "weir-fit",
        .purpose = "learns item-to-item transitions from a log and writes the model of weir-infer",
        .arguments = "LOG",
        .rows = options,
        .parts = parts,
    };
    int first = options_read(&spec, argc, argv);
    if (first + 1 != argc) err_refuse(&e, "want one LOG: a file, plain or .gz, or - (try --help)");
    if (e.status || !fit(&conf, argv[first], &e)) options_fail(spec.name, &e);
    config_free(parts);
    return 0;
}
