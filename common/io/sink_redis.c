#include "io/sink_redis.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_bytes.h"
#include "base/mem.h"

/* Readers must see one whole window, and a publisher that was frozen for a while must not take them back to an
 * older one. Both need a compare and a write in one step, so it is a script.
 *
 * Windows are ordered by (window_end, version), within an epoch. Versions grow with what a window was computed
 * from, so of two texts of one window the greater version knows more; the history keeps one for each
 * window and compares it alone, since a late correction of an old window must not wait for the current one. A
 * window that has left the history is refused: it would come back and stay for ever. */
static const char script[] =
    "local hash, items, order, history, versions = unpack(KEYS)\n"
    "local epoch, ending, version, newest, keep = unpack(ARGV, 1, 5)\n"
    "local function split(text)\n"
    "  local e, v = string.match(text or '', '^(%d+):(%d+)$')\n"
    "  return tonumber(e), tonumber(v)\n"
    "end\n"
    "local current = redis.call('HGET', hash, 'window_end')\n"
    "local some = current and redis.call('HGET', versions, current)\n"
    "             or redis.call('HVALS', versions)[1]\n"
    "local stored = split(some)\n"
    "if stored and stored > tonumber(epoch) then return {'STALE', tostring(stored)} end\n"
    "if stored ~= tonumber(epoch) then\n"
    "  redis.call('DEL', unpack(KEYS))\n"
    "  current = false\n"
    "end\n"
    "if current and tonumber(ending) <= tonumber(current) - tonumber(keep) then\n"
    "  return {'STALE', epoch}\n"
    "end\n"
    "local answer = 'STALE'\n"
    "local _, written = split(redis.call('HGET', versions, ending))\n"
    "if not written or written <= tonumber(version) then\n"
    "  redis.call('HSET', history, ending, ARGV[6])\n"
    "  redis.call('HSET', versions, ending, epoch .. ':' .. version)\n"
    "  answer = 'OK'\n"
    "end\n"
    "local ahead = current and tonumber(ending) - tonumber(current)\n"
    "if newest == '0' or ahead and ahead < 0 or ahead == 0 and answer == 'STALE' then\n"
    "  return {answer, epoch}\n"
    "end\n"
    "redis.call('DEL', items, order)\n"
    "redis.call('HSET', hash, 'window_start', ARGV[7], 'window_end', ending, 'version', version,\n"
    "  'events', ARGV[8], 'complete', ARGV[9], 'published_at', ARGV[10], 'n', ARGV[11],\n"
    "  'ranking', ARGV[12])\n"
    "for i = 13, #ARGV, 2 do\n"
    "  redis.call('ZADD', items, ARGV[i + 1], ARGV[i])\n"
    "  redis.call('RPUSH', order, ARGV[i])\n"
    "end\n"
    "if ahead ~= 0 then\n"
    "  for _, old in ipairs(redis.call('HKEYS', versions)) do\n"
    "    if tonumber(old) <= tonumber(ending) - tonumber(keep) then\n"
    "      redis.call('HDEL', versions, old)\n"
    "      redis.call('HDEL', history, old)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return {'OK', epoch}\n";

enum {
    KEYS = 5,
    FIXED_ARGS = 12,
    HEAD_ARGS = 3 + KEYS, /* EVALSHA, sha, number of keys, keys */
    OUTSTANDING_MAX = 64,
    SHA_BYTES = 40,
    JSON_MAX_BYTES = 64 * 1024 * 1024,
};

struct sink_redis {
    struct client_redis *client; /* own */
    int64_t epoch, keep_ms;
    char *keys[KEYS];        /* own */
    char sha[SHA_BYTES + 1]; /* "" = the script is not loaded, as far as we know */
    size_t outstanding_n;
    int64_t shown_n, stale_n;
    struct buf ranking, entry, numbers; /* of the window being put */
    struct str *args;                   /* own */
    size_t arg_n, arg_cap;
};

struct sink_redis *sink_redis_new(const struct sink_redis_spec *spec, struct err *e)
{
    static const char *const suffixes[KEYS] = {"", ":items", ":order", ":history", ":versions"};
    struct client_redis *client = client_redis_new(spec->redis, spec->name, e);
    if (!client) return NULL;
    struct sink_redis *s = mem_zero(1, sizeof *s);
    if (spec->metrics) client_redis_observe(client, spec->metrics);
    s->client = client;
    s->epoch = spec->epoch;
    s->keep_ms = spec->keep_ms;
    for (size_t i = 0; i < KEYS; i++)
        s->keys[i] = mem_printf("%s%s", spec->redis->key, suffixes[i]);
    buf_init(&s->ranking, JSON_MAX_BYTES);
    buf_init(&s->entry, JSON_MAX_BYTES);
    buf_init(&s->numbers, JSON_MAX_BYTES);
    return s;
}

void sink_redis_free(struct sink_redis *s)
{
    if (!s) return;
    client_redis_free(s->client);
    for (size_t i = 0; i < KEYS; i++) free(s->keys[i]);
    buf_finish(&s->ranking);
    buf_finish(&s->entry);
    buf_finish(&s->numbers);
    free(s->args);
    free(s);
}

/* --- the arguments ---------------------------------------------------------------------------------- */

static void add_int(struct buf *out, int64_t value)
{
    char digits[STR_INT64_BYTES];
    buf_add(out, digits, (size_t)(str_put_int64(digits, value) - digits));
}

static void write_ranking(struct buf *out, const struct windows_view *view)
{
    buf_clear(out);
    for (size_t i = 0; i < view->place_n; i++) {
        buf_add_str(out, str_of(i ? ",[" : "[["));
        json_bytes_str(out, view->places[i].id);
        buf_add(out, ",", 1);
        add_int(out, view->places[i].count);
        buf_add(out, "]", 1);
    }
    buf_add_str(out, str_of(view->place_n ? "]" : "[]"));
}

static void write_entry(struct sink_redis *s, const struct windows_view *view)
{
    buf_clear(&s->entry);
    buf_printf(&s->entry,
               "{\"window_start\":%lld,\"window_end\":%lld,\"version\":%lld,\"events\":%lld,"
               "\"complete\":%d,\"ranking\":",
               (long long)view->start_ms, (long long)view->end_ms, (long long)view->version,
               (long long)view->events, view->complete);
    buf_add_str(&s->entry, buf_str(&s->ranking));
    buf_add_str(&s->entry, str_of("}"));
}

static void arg(struct sink_redis *s, struct str text)
{
    s->args = mem_grow(s->args, s->arg_n, &s->arg_cap, sizeof s->args[0]);
    s->args[s->arg_n++] = text;
}

static void add_number(struct sink_redis *s, int64_t value)
{
    add_int(&s->numbers, value);
    buf_add(&s->numbers, " ", 1);
}

/* All numbers go into one buffer, which must not move any more once arguments point into it. */
static void write_numbers(struct sink_redis *s, const struct windows_view *view)
{
    const int64_t fixed[] = {s->epoch,        view->end_ms,          view->version, view->newest,
                             s->keep_ms,      view->start_ms,        view->events,  view->complete,
                             clock_wall_ms(), (int64_t)view->place_n};
    buf_clear(&s->numbers);
    for (size_t i = 0; i < COUNT_OF(fixed); i++) add_number(s, fixed[i]);
    for (size_t i = 0; view->newest && i < view->place_n; i++) add_number(s, view->places[i].count);
}

static void make_args(struct sink_redis *s, const struct windows_view *view)
{
    write_ranking(&s->ranking, view);
    write_entry(s, view);
    write_numbers(s, view);
    struct str numbers = buf_str(&s->numbers);
    s->arg_n = 0;
    arg(s, str_of("EVALSHA"));
    arg(s, str_of(s->sha));
    arg(s, str_of("5"));
    for (size_t i = 0; i < KEYS; i++) arg(s, str_of(s->keys[i]));
    for (int i = 0; i < 5; i++) arg(s, str_cut(&numbers, ' '));
    arg(s, buf_str(&s->entry));
    for (int i = 0; i < 5; i++) arg(s, str_cut(&numbers, ' '));
    arg(s, buf_str(&s->ranking));
    for (size_t i = 0; view->newest && i < view->place_n; i++) {
        arg(s, view->places[i].id);
        arg(s, str_cut(&numbers, ' '));
    }
}

/* --- calls ------------------------------------------------------------------------------------------ */

static enum client_redis_answer unexpected(struct sink_redis *s, struct err *e)
{
    s->sha[0] = '\0';
    err_set(e, "redis: an answer of a kind that the script never gives");
    return CLIENT_REDIS_RETRY;
}

static enum client_redis_answer load(struct sink_redis *s, struct err *e)
{
    const redisReply *reply;
    const struct str args[] = {str_of("SCRIPT"), str_of("LOAD"), str_of(script)};
    enum client_redis_answer answer = client_redis_ask(s->client, args, COUNT_OF(args), &reply, e);
    if (answer != CLIENT_REDIS_DONE) return answer;
    if (reply->type != REDIS_REPLY_STRING || reply->len != SHA_BYTES) return unexpected(s, e);
    memcpy(s->sha, reply->str, SHA_BYTES + 1);
    return CLIENT_REDIS_DONE;
}

static enum client_redis_answer younger(const struct sink_redis *s, long long epoch, struct err *e)
{
    err_refuse(e,
               "redis: %s holds rankings of epoch %lld, ours is %lld: it belongs to another "
               "pipeline, or Kafka was "
               "made anew; choose another redis.key, or delete %s*",
               s->keys[0], epoch, (long long)s->epoch, s->keys[0]);
    return CLIENT_REDIS_REFUSED;
}

static enum client_redis_answer read_answer(struct sink_redis *s, const redisReply *reply,
                                            struct err *e)
{
    int64_t epoch;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return unexpected(s, e);
    if (!str_int64(str_of(reply->element[1]->str), &epoch)) return unexpected(s, e);
    if (epoch > s->epoch) return younger(s, epoch, e);
    s->shown_n++;
    s->stale_n += strcmp(reply->element[0]->str, "STALE") == 0;
    return CLIENT_REDIS_DONE;
}

enum client_redis_answer sink_redis_flush(struct sink_redis *s, struct err *e)
{
    enum client_redis_answer worst = CLIENT_REDIS_DONE;
    for (; s->outstanding_n; s->outstanding_n--) {
        const redisReply *reply;
        enum client_redis_answer answer = client_redis_receive(s->client, &reply, e);
        if (answer == CLIENT_REDIS_DONE) answer = read_answer(s, reply, e);
        if (answer == CLIENT_REDIS_NOSCRIPT) {
            s->sha[0] = '\0';
            err_set(e, "redis: the script was flushed");
            answer = CLIENT_REDIS_RETRY;
        }
        if (answer > worst) worst = answer;
    }
    return worst;
}

enum client_redis_answer sink_redis_put(struct sink_redis *s, const struct windows_view *view,
                                        struct err *e)
{
    enum client_redis_answer answer = CLIENT_REDIS_DONE;
    if (!s->sha[0]) answer = load(s, e);
    if (answer != CLIENT_REDIS_DONE) return answer;
    make_args(s, view);
    answer = client_redis_send(s->client, s->args, s->arg_n, e);
    if (answer != CLIENT_REDIS_DONE) {
        s->outstanding_n = 0;
        return answer;
    }
    return ++s->outstanding_n < OUTSTANDING_MAX ? CLIENT_REDIS_DONE : sink_redis_flush(s, e);
}

enum client_redis_answer sink_redis_empty(struct sink_redis *s, bool *ret_empty, struct err *e)
{
    const redisReply *reply;
    const struct str args[] = {str_of("HVALS"), str_of(s->keys[KEYS - 1])};
    enum client_redis_answer answer = client_redis_ask(s->client, args, COUNT_OF(args), &reply, e);
    if (answer != CLIENT_REDIS_DONE) return answer;
    if (reply->type != REDIS_REPLY_ARRAY) return unexpected(s, e);
    *ret_empty = true;
    for (size_t i = 0; i < reply->elements; i++) {
        struct str text = {reply->element[i]->str, reply->element[i]->len};
        int64_t epoch;
        if (!str_int64(str_cut(&text, ':'), &epoch) || epoch >= s->epoch) *ret_empty = false;
    }
    return CLIENT_REDIS_DONE;
}

int64_t sink_redis_shown_n(const struct sink_redis *s)
{
    return s->shown_n;
}

int64_t sink_redis_stale_n(const struct sink_redis *s)
{
    return s->stale_n;
}
