#include "replay/job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wire.h"
#include "io/scan_kafka.h"
#include "io/state_kafka.h"

enum { RECORD_MAX_BYTES = 4096 };

/* Everything that decides which rows are sent, and as what. The pace may change from run to run. */
static uint64_t digest(const struct replay_conf *conf)
{
    const struct replay_options *o = &conf->replay;
    const struct decode_conf *r = &conf->record;
    char *text = mem_printf("%d|%s|%s|%d|%lld|%lld|%d|%lld|%lld|%lld|%d", r->format, r->columns,
                            r->separator, r->time_unit, (long long)r->time_min_ms,
                            (long long)r->time_max_ms, o->header, (long long)o->from_ms,
                            (long long)o->until_ms, (long long)o->rows_per_record, o->sort);
    uint64_t hash = wire_hash(str_of(text));
    free(text);
    return hash;
}

static char *name_of(const struct replay_conf *conf, const char *path)
{
    if (*conf->replay.job) return mem_dup(conf->replay.job, strlen(conf->replay.job));
    if (strcmp(path, "-") == 0) return NULL;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    return mem_dup(base, strlen(base));
}

void job_init(struct job *j, const struct replay_conf *conf, const char *path,
              const char *events_topic)
{
    *j = (struct job){.name = name_of(conf, path)};
    buf_init(&j->record, RECORD_MAX_BYTES);
    if (j->name) {
        j->transactional_id = mem_printf("weir-replay:%s:%s", events_topic, j->name);
        j->key = mem_printf("%s\x1f%s", events_topic, j->name);
    } else {
        j->transactional_id =
            mem_printf("weir-replay:%s:%d-%lld", events_topic, getpid(), (long long)clock_now_us());
    }
    j->at =
        (struct bookmark){.job = str_of(j->name), .name = str_of(path), .options = digest(conf)};
    j->at.first_ms = INT64_MAX;
    j->at.last_ms = INT64_MIN;
}

void job_finish(struct job *j)
{
    free(j->name);
    free(j->transactional_id);
    free(j->key);
    buf_finish(&j->record);
}

static bool fits(const struct job *j, const struct bookmark *found, struct err *e)
{
    static const char remedy[] = "use --restart to begin anew, or another --job";
    if (found->epoch != j->at.epoch)
        return err_refuse(
            e, "job %s was replayed into an earlier weir-events (epoch %lld, now %lld); %s",
            j->name, (long long)found->epoch, (long long)j->at.epoch, remedy);
    if (found->partitions != j->at.partitions)
        return err_refuse(e, "job %s was replayed into %lld partitions, now there are %lld; %s",
                          j->name, (long long)found->partitions, (long long)j->at.partitions,
                          remedy);
    if (found->options != j->at.options)
        return err_refuse(e, "job %s was begun with other columns, units, filters or packing; %s",
                          j->name, remedy);
    return true;
}

static bool measure(const struct conf_kafka *kafka, const char *topic, int64_t *ret_partitions,
                    bool *ret_empty, struct err *e)
{
    struct scan_kafka_part *parts = NULL;
    size_t n = 0;
    struct scan_kafka *scan = scan_kafka_new(kafka, e);
    bool known = scan && scan_kafka_parts(scan, topic, &parts, &n, e);
    scan_kafka_free(scan);
    *ret_partitions = (int64_t)n;
    *ret_empty = true;
    for (size_t i = 0; i < n; i++)
        if (parts[i].end > 0) *ret_empty = false;
    free(parts);
    if (known && n == 0) return err_set(e, "%s has no partitions that could be seen", topic);
    return known;
}

/* What the topic holds of the job already: whoever adds up what was read needs it. A position that cannot be read is no
 * reason not to begin anew. */
static void restart(struct job *j)
{
    struct bookmark found;
    struct err ignored = {0};
    if (j->record.len == 0 || !bookmark_decode(&found, buf_str(&j->record), &ignored) ||
        found.epoch != j->at.epoch)
        return;
    j->at.before_sent = found.before_sent + found.sent;
    j->at.before_rejected = found.before_rejected + found.rejected;
}

bool job_load(struct job *j, const struct replay_conf *conf, const char *events_topic,
              struct err *e)
{
    bool empty;
    if (!state_kafka_epoch(&conf->kafka, &conf->topics, "source", &j->at.epoch, e)) return false;
    if (!measure(&conf->kafka, events_topic, &j->at.partitions, &empty, e)) return false;
    if (!j->key) return true;
    if (!state_kafka_read(&conf->kafka, &conf->topics, str_of(j->key), &j->record, e)) return false;
    if (conf->replay.restart && !empty) restart(j);
    if (conf->replay.restart) return true;
    if (j->record.len == 0) return true;
    struct bookmark found;
    if (!bookmark_decode(&found, buf_str(&j->record), e) || !fits(j, &found, e)) return false;
    if (empty && found.sent > 0)
        return err_refuse(
            e, "job %s has sent %lld rows, but %s is empty: it was made anew; use --restart",
            j->name, (long long)found.sent, events_topic);
    found.job = j->at.job;
    found.name = j->at.name;
    j->at = found;
    log_info("replay", "resume", "job=\"%s\" line=%lld offset=%lld sent=%lld", j->name,
             (long long)found.place.line, (long long)found.place.offset, (long long)found.sent);
    return true;
}

struct str job_record(struct job *j)
{
    bookmark_encode(&j->at, &j->record);
    return buf_str(&j->record);
}
