#include "fit/input.h"

#include "base/log.h"
#include "io/input_gz.h"
#include "io/reader_mongo.h"

struct tally {
    uint64_t good, bad;
};

static bool take_rows(struct sequences_pool *p, struct decoder *decoder, struct rows *rows,
                      struct tally *tally, struct progress *progress, struct err *e)
{
    const struct record record = {.timestamp_ms = -1};
    struct row row;
    struct event event;
    enum rows_next next;
    while ((next = rows_next(rows, &row, e)) == ROWS_ROW) {
        bool good = decode_row(decoder, &record, row.bytes, 0, &event) == DECODE_GOOD;
        *(good ? &tally->good : &tally->bad) += 1;
        const uint64_t order[2] = {0, tally->good};
        if (good && !sequences_pool_add(p, event.user, event.item, event.time_ms, order, e))
            return false;
        progress_tell(progress, "read", tally->good + tally->bad, 0);
    }
    return next == ROWS_END;
}

bool input_file(struct sequences_pool *p, const struct decode_conf *conf, const char *path,
                struct progress *progress, struct err *e)
{
    struct tally tally = {0};
    struct rows_input input;
    struct decoder *decoder = decode_new(conf, e);
    struct rows *rows = decoder && input_gz(path, &input, e) ? rows_new(input, e) : NULL;
    bool read = rows && take_rows(p, decoder, rows, &tally, progress, e);
    rows_free(rows);
    decode_free(decoder);
    if (!read) return false;
    log_info("weir-fit", "read", "file=\"%s\" rows=%llu bad=%llu", path,
             (unsigned long long)tally.good, (unsigned long long)tally.bad);
    return tally.good > 0 ||
           err_refuse(e, "%s: no good row; look at --columns and --time-unit", path);
}

struct archive {
    struct sequences_pool *pool;
    struct progress *progress;
    uint64_t n;
};

static bool take(void *ctx, struct str user, struct str item, int64_t time_ms,
                 const uint64_t order[2], struct err *e)
{
    struct archive *a = ctx;
    progress_tell(a->progress, "read", ++a->n, 0);
    return sequences_pool_add(a->pool, user, item, time_ms, order, e);
}

bool input_mongo(struct sequences_pool *p, const struct client_mongo_conf *conf,
                 struct progress *progress, struct err *e)
{
    struct archive a = {p, progress, 0};
    struct client_mongo *client = client_mongo_new(conf, "weir-fit", e);
    bool read = client && reader_mongo_events(client, take, &a, e);
    client_mongo_free(client);
    if (!read) return false;
    log_info("weir-fit", "read", "events=%llu", (unsigned long long)a.n);
    return a.n > 0 || err_refuse(e, "mongodb: there are no events; run weir-archive first");
}
