/* Who may not commit may not serve: a wave takes only rounds that were closed when a commit last
 * succeeded (one commit frees every round closed by then). The same goes for what the clock on
 * the wall decides: the cut of an idle partition takes effect with the commit that holds it. See
 * rounds.c and DESIGN.md. */
#include "recommend/recommend.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "consumers/bad_rows.h"
#include "consumers/start.h"
#include "consumers/watermark_gauge.h"
#include "io/sink_kafka.h"
#include "io/state_kafka.h"
#include "recommend/settings.h"
#include "recommend/waves.h"

enum { COMMIT_MS = 500, PAUSE_MS = 500, OPEN_FACTOR = 10, HOT_SPARE = 2 };

#define ROW(section, key, kind, fallback, help, field, ...)                                        \
    {                                                                                              \
        section, key, kind, fallback, help, offsetof(struct recommend_own, field), __VA_ARGS__     \
    }

const struct config_row recommend_rows[] = {
    ROW("recommend", "interval", CONFIG_DURATION, "20s",
        "one recommendation per user and interval of event time in which something happened",
        interval_ms, 1, INT64_C(366) * 86400 * 1000),
    ROW("recommend", "k", CONFIG_INT, "10", "the newest events of a user that are his history", k,
        1, USERS_MONGO_HISTORY_MAX),
    ROW("recommend", "n", CONFIG_INT, "8", "items in a recommendation", n, 1, 500),
    ROW("recommend", "on_failure", CONFIG_CHOICE, "hot",
        "without an answer of the inference service: serve the hot list, or wait (catch-up "
        "replays)",
        on_failure, .choices = "hot|wait"),
    ROW("recommend", "allow_moved_users", CONFIG_BOOL, "no",
        "go on after the topic got more partitions; users that moved lose exactness",
        allow_moved_users, 0),
    ROW("reward", "behaviors", CONFIG_STR, "pv:1,cart:2,fav:2,buy:3",
        "what a consumed item of a recommendation is worth, by behaviour", behaviors, 0),
    ROW("reward", "default", CONFIG_INT, "1", "the same for any other behaviour", behavior_default,
        0, WEIGHTS_VALUE_MAX),
    ROW("limits", "rows", CONFIG_INT, "200000",
        "rows in intervals beyond which closed ones are served before more is read; ten times as "
        "many in open ones are an error",
        rows_max, 1000, 100000000),
    ROW("limits", "users", CONFIG_INT, "50000", "users' documents kept in memory", users_max, 1000,
        100000000),
    {0},
};

/* One partition of ours. */
struct part {
    struct rounds rounds;
    int64_t committed_offset;
    int64_t quiet_since_ms;
    bool stirred, at_end; /* since the last tick; nothing behind what was read */
    struct watermark_gauge watermark;
};

struct recommend {
    const struct recommend_conf *conf; /* ref in caller */
    struct source *source;             /* ref in input */
    struct decoder *decoder;           /* ref in input */
    struct daemon *daemon;             /* ref */
    struct event event; /* the row in hand; a local one would be zeroed for each record */
    struct rounds_conf rounds_conf;
    struct settings settings;
    struct client_mongo *mongo; /* own, as all below */
    struct wave_parts stores;
    struct waves *waves;
    bool started;           /* a wave, since the last commit */
    struct part *parts;     /* NULL = nothing assigned; there may be none of them: standing by */
    struct rounds **rounds; /* of the same partitions */
    size_t n;
    struct start_pause pause;
    bool prepared, troubled; /* indexes are there; said that a store is away */
    int64_t retry_ms, committed_ms, commit_retry_ms;
    struct {
        struct metric *in, *late, *moved, *held, *bad[DECODE_N];
    } count;
};

/* --- partitions ------------------------------------------------------------------------------- */

static struct part *part_of(struct recommend *r, int32_t partition)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->parts[i].rounds.partition == partition) return &r->parts[i];
    return NULL;
}

static size_t rows_held(const struct recommend *r)
{
    size_t rows = 0;
    for (size_t i = 0; i < r->n; i++) rows += r->parts[i].rounds.row_n;
    return rows;
}

static void forget(struct recommend *r)
{
    waves_drop(r->waves);
    for (size_t i = 0; i < r->n; i++) rounds_finish(&r->parts[i].rounds);
    free(r->parts);
    free(r->rounds);
    r->parts = NULL;
    r->rounds = NULL;
    r->n = 0;
    r->pause.until_ms = 0;
}

/* --- commits ---------------------------------------------------------------------------------- */

static struct checkpoint checkpoint_of(const struct recommend *r, const struct part *p)
{
    struct rounds_mark mark = rounds_mark(&p->rounds);
    struct checkpoint point = {.partition = p->rounds.partition, .offset = mark.offset};
    settings_write(&r->settings, &mark, point.metadata);
    return point;
}

static void committed(struct recommend *r, const struct checkpoint *points, int64_t now_ms)
{
    for (size_t i = 0; i < r->n; i++) {
        rounds_committed(&r->parts[i].rounds);
        r->parts[i].committed_offset = points[i].offset;
    }
    r->committed_ms = now_ms;
    r->started = false;
}

static enum commit commit(struct recommend *r, int64_t now_ms, struct err *e)
{
    if (r->n == 0) return COMMIT_DONE;
    struct checkpoint *points = mem_zero(r->n, sizeof *points);
    for (size_t i = 0; i < r->n; i++) points[i] = checkpoint_of(r, &r->parts[i]);
    enum commit result = source_commit(r->source, points, r->n, e);
    if (result == COMMIT_DONE) committed(r, points, now_ms);
    free(points);
    return result;
}

/* Something waits for a commit: a round, a cut, or the group for our newer hold. */
static bool wants_commit(const struct recommend *r, int64_t now_ms)
{
    bool aged = now_ms - r->committed_ms >= COMMIT_MS;
    /* not again and again while a wave is stored */
    bool room = waves_room(r->waves) && (r->started || waves_idle(r->waves));
    for (size_t i = 0; i < r->n; i++) {
        const struct part *p = &r->parts[i];
        if (p->rounds.cut_pending || (room && rounds_fenced(&p->rounds))) return true;
        if (aged && rounds_mark(&p->rounds).offset != p->committed_offset) return true;
    }
    return false;
}

static bool keep_committed(struct recommend *r, int64_t now_ms, struct err *e)
{
    if (now_ms < r->commit_retry_ms || !wants_commit(r, now_ms)) return true;
    struct err why = {0};
    enum commit result = commit(r, now_ms, &why);
    if (result == COMMIT_DONE) return true;
    if (result == COMMIT_FAILED && why.status != ERR_FAILED) return *e = why, false;
    log_warn("recommend", "not_committed", "reason=\"%s\"",
             result == COMMIT_REFUSED ? "partitions are not ours any more" : why.text);
    if (result == COMMIT_REFUSED) forget(r);
    r->commit_retry_ms = now_ms + PAUSE_MS;
    return true;
}

/* --- coming and going ------------------------------------------------------------------------- */

static bool stores_are_empty(void *self, bool *ret_empty, struct err *e)
{
    struct recommend *r = self;
    if (!client_mongo_empty(r->mongo, "users", ret_empty, e)) return false;
    return !*ret_empty || client_mongo_empty(r->mongo, "recommendations", ret_empty, e);
}

static enum start begin(struct recommend *r, struct checkpoint *parts, size_t n, struct err *e)
{
    const struct rounds_mark nothing = {
        0, {WATERMARK_NONE, WATERMARK_NONE}, WATERMARK_NONE, ROUNDS_NO_CUT, WATERMARK_NONE};
    char metadata[CHECKPOINT_METADATA_BYTES];
    settings_write(&r->settings, &nothing, metadata);
    const struct start_rule rule = {r->source, "recommend", metadata, stores_are_empty, r};
    return start_positions(&rule, parts, n, e);
}

static bool take_part(struct recommend *r, const struct checkpoint *from, struct err *e)
{
    struct rounds_mark mark;
    if (!settings_read(&r->settings, from, &mark, e)) return false;
    char *label = mem_printf("partition=\"%d\"", from->partition);
    struct part *p = &r->parts[r->n];
    rounds_init(&p->rounds, &r->rounds_conf, from->partition, &mark);
    p->committed_offset = from->offset;
    p->stirred = true;
    watermark_gauge_init(&p->watermark, daemon_metrics(r->daemon), label);
    r->rounds[r->n++] = &p->rounds;
    free(label);
    return true;
}

static bool assigned(void *self, struct checkpoint *parts, size_t n, struct err *e)
{
    struct recommend *r = self;
    struct err why = {0};
    forget(r);
    r->settings.partition_n = source_partition_n(r->source);
    enum start start = begin(r, parts, n, &why);
    if (start == START_FAILED) return *e = why, false;
    if (start == START_LATER) return start_put_off(&r->pause, "recommend", parts, n, &why), true;
    r->parts = mem_zero(n, sizeof *r->parts);
    r->rounds = mem_zero(n, sizeof *r->rounds);
    for (size_t i = 0; i < n; i++)
        if (!take_part(r, &parts[i], e)) return false;
    return true;
}

static bool revoked(void *self, bool lost, struct err *e)
{
    (void)e;
    struct recommend *r = self;
    if (!lost) waves_finish(r->waves); /* so that the next owner does not do it again */
    struct err ignored = {
        0}; /* what is not committed is done again by the next owner, harmlessly */
    if (!lost && commit(r, r->committed_ms, &ignored) != COMMIT_DONE)
        log_warn("recommend", "not_committed", "reason=\"revoked\"");
    forget(r);
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void take_row(struct recommend *r, struct part *p, const struct event *event)
{
    int32_t home = sink_kafka_partition_of(event->user, (int32_t)r->settings.partition_n);
    if (home != p->rounds.partition) metrics_add(r->count.moved, 1);
    if (rounds_row(&p->rounds, event) == ROUNDS_LATE) metrics_add(r->count.late, 1);
}

static bool check_rows(const struct recommend *r, struct err *e)
{
    int64_t max = OPEN_FACTOR * r->conf->own.rows_max;
    if ((int64_t)rows_held(r) <= max) return true;
    return err_refuse(e,
                      "more than %lld rows in open intervals: raise limits.rows, or lower "
                      "recommend.interval or time.delay",
                      (long long)max);
}

static bool record(void *self, const struct record *record, struct err *e)
{
    struct recommend *r = self;
    struct part *p = part_of(r, record->partition);
    if (!p) return true; /* refused by a commit, not yet revoked */
    struct str rest = record->value, row;
    struct event *event = &r->event;
    int32_t index = -1;
    rounds_begin(&p->rounds, record->offset);
    while (decode_next_row(&rest, &row, &index)) {
        enum decode_verdict verdict = decode_row(r->decoder, record, row, index, event);
        metrics_add(r->count.in, 1);
        if (verdict == DECODE_GOOD)
            take_row(r, p, event);
        else
            metrics_add(r->count.bad[verdict], 1);
    }
    rounds_reach(&p->rounds, record->offset + 1);
    p->stirred = true;
    p->at_end = false;
    return check_rows(r, e);
}

static void end(void *self, int32_t partition, int64_t offset)
{
    struct part *p = part_of(self, partition);
    if (!p) return;
    rounds_reach(&p->rounds, offset);
    p->at_end = true;
}

/* Too many rows: closed rounds first. Where nothing is closed only more rows can close
 * something. */
static bool wants(void *self, int32_t partition)
{
    struct recommend *r = self;
    struct part *p = part_of(r, partition);
    if (!p || p->rounds.cut_pending) return false;
    return !rounds_closed(&p->rounds) || (int64_t)rows_held(r) < r->conf->own.rows_max;
}

/* --- the clock -------------------------------------------------------------------------------- */

static bool prepare(struct recommend *r, int64_t now_ms, struct err *e)
{
    if (r->prepared || now_ms < r->retry_ms) return true;
    struct err why = {0};
    r->prepared =
        client_mongo_index(r->mongo, "recommendations", "{\"user\": 1, \"time\": -1}", 0, &why);
    if (r->prepared) return true;
    if (why.status != ERR_FAILED) return *e = why, false;
    if (!r->retry_ms) log_warn("recommend", "store_away", "reason=\"%s\"", why.text);
    r->retry_ms = now_ms + PAUSE_MS;
    return true;
}

static void cut_idle(struct recommend *r, int64_t now_ms)
{
    for (size_t i = 0; i < r->n; i++) {
        struct part *p = &r->parts[i];
        if (p->stirred) p->quiet_since_ms = now_ms;
        p->stirred = false;
        bool idle = p->at_end && now_ms - p->quiet_since_ms >= r->conf->time.idle_timeout_ms;
        if (idle && rounds_cut(&p->rounds))
            log_info("recommend", "cut", "partition=%d offset=%lld line=%lld", p->rounds.partition,
                     (long long)p->rounds.cut_offset, (long long)p->rounds.cut_line_ms);
    }
}

static void show(struct recommend *r)
{
    const char *trouble = waves_trouble(r->waves);
    if (trouble[0] && !r->troubled) log_warn("recommend", "store_away", "reason=\"%s\"", trouble);
    if (!trouble[0] && r->troubled) log_info("recommend", "store_back", "partitions=%zu", r->n);
    r->troubled = trouble[0] != '\0';
    daemon_ready(r->daemon, r->prepared && r->parts && !r->troubled);
    for (size_t i = 0; i < r->n; i++) {
        const struct part *p = &r->parts[i];
        watermark_gauge_set(&p->watermark, watermark_of(&r->conf->time, p->rounds.now.clock_ms));
    }
    metrics_set(r->count.held, (int64_t)rows_held(r));
    daemon_status(r->daemon, "%zu partitions, %zu rows in open intervals%s%s", r->n, rows_held(r),
                  trouble[0] ? ", " : "", trouble);
}

static bool tick(void *self, int64_t now_ms, int64_t *ret_wait_ms, struct err *e)
{
    struct recommend *r = self;
    if (!start_again(&r->pause, r->source, now_ms, e) || !prepare(r, now_ms, e)) return false;
    if (!waves_step(r->waves, now_ms, ret_wait_ms, e)) return false;
    cut_idle(r, now_ms);
    if (!keep_committed(r, now_ms, e)) return false;
    if (r->prepared && r->n > 0 && waves_start(r->waves, r->rounds, r->n)) {
        r->started = true;
        *ret_wait_ms = 0;
    }
    show(r);
    return true;
}

/* --- making ----------------------------------------------------------------------------------- */

static void count_init(struct recommend *r, struct metrics *m)
{
    r->count.in = metrics_counter(m, "rows_in_total", "", "rows read");
    r->count.late = metrics_counter(m, "rows_late_total", "", "rows beyond the lateness");
    r->count.moved =
        metrics_counter(m, "moved_total", "", "rows outside the partition of their user's key");
    r->count.held = metrics_gauge(m, "rows_held", "", "rows in intervals that are not served yet");
    bad_rows_counters(m, r->count.bad);
}

/* Without the hot list all goes on; but who is not let in at the start has been set up wrongly. */
static bool knock_at_hot(struct recommend *r, struct err *e)
{
    struct err why = {0};
    if (hot_redis_look(r->stores.hot, clock_now_ms(), &why) || why.status != ERR_REFUSED)
        return true;
    *e = why;
    return false;
}

static bool open_stores(struct recommend *r, struct err *e)
{
    const struct recommend_conf *conf = r->conf;
    size_t hot_n = (size_t)(HOT_SPARE * conf->own.n + conf->own.k); /* all that can be filtered */
    r->stores.metrics = daemon_metrics(r->daemon);
    if (!(r->mongo = client_mongo_new(&conf->mongo, "weir-recommend", e))) return false;
    r->stores.users = users_mongo_new(r->mongo);
    r->stores.recommendations = recommendations_mongo_new(r->mongo);
    r->stores.cache = cache_new((size_t)conf->own.users_max);
    if (!(r->stores.hot = hot_redis_new(&conf->redis, hot_n, e)) || !knock_at_hot(r, e))
        return false;
    r->stores.client = client_new(&conf->infer, r->stores.metrics, e);
    return r->stores.client != NULL;
}

static bool open_wave(struct recommend *r, struct err *e)
{
    const struct recommend_own *own = &r->conf->own;
    struct wave_conf conf = {.k = (size_t)own->k,
                             .n = (size_t)own->n,
                             .patient = own->on_failure != 0,
                             .model = r->conf->infer.algorithm};
    if (!weights_parse(&conf.rewards, own->behaviors, own->behavior_default, e)) return false;
    r->waves = waves_new(&conf, &r->stores);
    return true;
}

static bool open_settings(struct recommend *r, struct err *e)
{
    const struct input_conf *input = &r->conf->input;
    r->rounds_conf = (struct rounds_conf){r->conf->own.interval_ms, r->conf->time};
    r->settings.digest = settings_digest(&r->rounds_conf, decode_digest(&input->record));
    r->settings.allow_moved_users = r->conf->own.allow_moved_users;
    return state_kafka_epoch(&input->kafka, &input->topics, "recommend", &r->settings.epoch, e);
}

static bool check_redis(const struct client_redis_conf *conf, struct err *e)
{
    struct client_redis *redis = client_redis_new(conf, "check", e);
    client_redis_free(redis);
    return redis != NULL;
}

static bool check_client(const struct client_conf *conf, struct err *e)
{
    struct metrics *m = metrics_new();
    struct client *client = client_new(conf, m, e);
    client_free(client);
    metrics_free(m);
    return client != NULL;
}

bool recommend_check(const struct recommend_conf *conf, struct err *e)
{
    struct weights weights;
    return input_check(&conf->input, e) && client_mongo_check(&conf->mongo, e) &&
           check_redis(&conf->redis, e) && check_client(&conf->infer, e) &&
           weights_parse(&weights, conf->own.behaviors, conf->own.behavior_default, e);
}

struct recommend *recommend_new(const struct recommend_conf *conf, struct input *in,
                                struct daemon *d, struct err *e)
{
    struct recommend *r = mem_zero(1, sizeof *r);
    r->conf = conf;
    r->source = in->source;
    r->decoder = in->decoder;
    r->daemon = d;
    r->settings.source_epoch = in->epoch;
    count_init(r, daemon_metrics(d));
    if (open_stores(r, e) && open_wave(r, e) && open_settings(r, e)) return r;
    recommend_free(r);
    return NULL;
}

void recommend_free(struct recommend *r)
{
    if (!r) return;
    if (r->waves) forget(r);
    waves_free(r->waves);
    client_free(r->stores.client);
    hot_redis_free(r->stores.hot);
    cache_free(r->stores.cache);
    recommendations_mongo_free(r->stores.recommendations);
    users_mongo_free(r->stores.users);
    client_mongo_free(r->mongo);
    free(r);
}

struct stage recommend_stage(struct recommend *r)
{
    return (struct stage){r, assigned, revoked, record, end, wants, tick};
}
