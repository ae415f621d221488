#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/options.h"
#include "status/look.h"
#include "status/report.h"

enum {
    SETTLED = 0,
    NOT_SETTLED = 1,
    UNKNOWN = 2,
    REPORT_MAX_BYTES = 64 * 1024 * 1024,
    AGAIN_MS = 300
};

struct status_conf {
    struct look_conf look;
    bool json, sums;
    int64_t wait_ms;
};

#define ROW(name, type, field, help)                                                               \
    "status", name, type, type == CONFIG_DURATION ? "0" : "no", help,                              \
        offsetof(struct status_conf, field)

static const struct config_row rows[] = {
    {ROW("json", CONFIG_BOOL, json, "tell it as JSON")},
    {ROW("sums", CONFIG_BOOL, sums,
         "check the two sums of rows; reads the topics of late and dead rows")},
    {ROW("wait", CONFIG_DURATION, wait_ms, "wait so long until everything has settled")},
    {0},
};

static const struct options_row options[] = {
    {"json", "status.json"}, {"sums", "status.sums"}, {"wait", "status.wait"}, {0}};

/* The daemons asked for: those named, or all. */
static bool choose(struct view *v, char **names, int n, struct err *e)
{
    for (int i = 0; i < VIEW_DAEMONS; i++) v->groups[i].asked = n == 0;
    for (int k = 0; k < n; k++) {
        int i = 0;
        while (i < VIEW_DAEMONS && strcmp(names[k], view_names[i]) != 0) i++;
        if (i == VIEW_DAEMONS)
            return err_refuse(e, "\"%s\" is none of archive, count, rank, recommend", names[k]);
        v->groups[i].asked = true;
    }
    return true;
}

static bool look_once(struct look *l, struct view *v, char **names, int n, struct err *e)
{
    view_finish(v);
    *e = (struct err){0};
    return choose(v, names, n, e) && look_at(l, v, e);
}

/* On a terminal, what is being waited for. */
static void show_wait(const struct view *v)
{
    if (!isatty(STDERR_FILENO)) return;
    struct buf why;
    buf_init(&why, 300);
    report_why(v, &why);
    fprintf(stderr, "\r\033[K%.*s", STR_ARGS(buf_str(&why)));
    buf_finish(&why);
}

static bool look_until_settled(struct look *l, int64_t wait_ms, struct view *v, char **names, int n,
                               struct err *e)
{
    int64_t deadline_ms = clock_now_ms() + wait_ms;
    bool good;
    while (!((good = look_once(l, v, names, n, e)) && view_settled(v))) {
        if (e->status == ERR_REFUSED || clock_now_ms() >= deadline_ms) break;
        if (good) show_wait(v);
        nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000L}, NULL);
    }
    if (wait_ms && isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K");
    return good;
}

static bool tell(struct look *l, const struct status_conf *conf, const struct view *v,
                 bool *ret_differ, struct err *e)
{
    struct balance balance = {0};
    if (conf->sums && !look_balance(l, v, &balance, e)) return false;
    *ret_differ = conf->sums && (balance_of_rows(&balance) == BALANCE_DIFFER ||
                                 balance_of_events(&balance) == BALANCE_DIFFER);
    struct buf text;
    buf_init(&text, REPORT_MAX_BYTES);
    (conf->json ? report_json : report_table)(v, conf->sums ? &balance : NULL, &text);
    fwrite(text.at, 1, text.len, stdout);
    buf_finish(&text);
    return true;
}

int main(int argc, char **argv)
{
    struct status_conf conf = {0};
    const struct config_part parts[] = {
        {rows, &conf},
        {conf_kafka_rows, &conf.look.kafka},
        {topics_kafka_rows, &conf.look.topics},
        {client_redis_rows, &conf.look.redis},
        {client_mongo_rows, &conf.look.mongo},
        {0},
    };
    const struct options_spec spec = {
        .name = "weir-status",
        .purpose = "Tells how far each daemon is, and whether everything has settled: all read, "
                   "all stored, the\n"
                   "last window and the last interval shown. Exit status: 0 settled, 1 not "
                   "(or a sum does not\nhold), 2 cannot tell.",
        .arguments = "[archive|count|rank|recommend ...]",
        .rows = options,
        .parts = parts,
    };
    int first = options_read(&spec, argc, argv);
    struct err e = {0};
    struct view view = {0};
    bool differ = false;
    struct look *look = look_new(&conf.look, &e);
    bool good = look &&
                look_until_settled(look, conf.wait_ms, &view, argv + first, argc - first, &e) &&
                tell(look, &conf, &view, &differ, &e);
    if (!good) fprintf(stderr, "weir-status: %s\n", e.text);
    int status = e.status == ERR_REFUSED ? ERR_REFUSED : UNKNOWN;
    if (good) status = view_settled(&view) && !differ ? SETTLED : NOT_SETTLED;
    view_finish(&view);
    look_free(look);
    config_free(parts);
    return status;
}
