#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "synth/crowd.h"
#include "synth/spoil.h"

struct synth_conf {
    int64_t seed, rows;
    int unit;
    char *out;
    struct shop_conf shop;
    struct crowd_conf crowd;
    struct spoil_conf spoil;
};

#define ROW(name, type, fallback, field, help)                                                     \
    "synth", name, type, fallback, help, offsetof(struct synth_conf, field)

static const struct config_row rows[] = {
    {ROW("seed", CONFIG_INT, "1", seed, "same seed and settings, same log")},
    {ROW("rows", CONFIG_INT, "200000", rows, "how many good rows")},
    {ROW("out", CONFIG_STR, "-", out, "file to write; - is standard output")},
    {ROW("time.unit", CONFIG_CHOICE, "s", unit, "unit of the time column"), .choices = "s|ms"},
    {ROW("start", CONFIG_TIME, "2017-11-25", crowd.start_ms, "event time of the first row")},
    {ROW("rate", CONFIG_REAL, "10", crowd.rate, "rows per second of event time"), .max = 1000000},
    {ROW("users", CONFIG_INT, "2000", crowd.users, "visitors"), .min = 1, .max = 100000000},
    {ROW("session.rows", CONFIG_REAL, "8", crowd.session_rows, "mean rows of a visit"), .min = 1,
     .max = 10000},
    {ROW("session.gap", CONFIG_REAL, "30", crowd.session_gap_s,
         "mean seconds between two rows of a visit"),
     .max = 86400},
    {ROW("items", CONFIG_INT, "5000", shop.items, "items on offer"), .min = 1, .max = 100000000},
    {ROW("zipf", CONFIG_REAL, "1.05", shop.zipf, "popularity of rank r is 1/r^zipf"), .max = 10},
    {ROW("follow", CONFIG_REAL, "0.6", shop.follow,
         "share of steps that go to a successor of the item seen last"),
     .max = 1},
    {ROW("drift", CONFIG_DURATION, "1h", shop.drift_ms, "how often the ranks move on; 0 = never")},
    {ROW("disorder", CONFIG_REAL, "0.2", spoil.disorder, "share of rows out of order"), .max = 1},
    {ROW("disorder.max", CONFIG_DURATION, "8s", spoil.disorder_ms, "by at most so much")},
    {ROW("late", CONFIG_REAL, "0.01", spoil.late, "share of rows that come late"), .max = 1},
    {ROW("late.max", CONFIG_DURATION, "1h", spoil.late_ms, "by at most so much")},
    {ROW("bad", CONFIG_REAL, "0.001", spoil.bad, "share of rows followed by a bad one"), .max = 1},
    {0},
};

static const struct options_row options[] = {
    {"seed", "synth.seed"},
    {"rows", "synth.rows"},
    {"users", "synth.users"},
    {"items", "synth.items"},
    {"rate", "synth.rate"},
    {"zipf", "synth.zipf"},
    {"bad", "synth.bad"},
    {"late", "synth.late"},
    {"start", "synth.start"},
    {"out", "synth.out"},
    {0},
};

static void write_row(struct buf *out, const struct synth_conf *conf, struct dice *dice,
                      const struct crowd_act *act)
{
    int64_t time_ms = spoil_time(&conf->spoil, dice, act->time_ms);
    buf_printf(out, "%lld,%lld,%llu,%s,%lld\n", (long long)act->user, (long long)act->item,
               (unsigned long long)(dice_mix((uint64_t)act->item) % 50), act->behavior,
               (long long)(conf->unit == 0 ? time_ms / 1000 : time_ms));
    if (dice_chance(dice, conf->spoil.bad)) spoil_row(out, dice, act);
}

static bool generate(struct synth_conf *conf, FILE *file)
{
    struct dice dice;
    struct buf out;
    dice_init(&dice, (uint64_t)conf->seed);
    buf_init(&out, 1 << 16);
    struct shop *shop = shop_new(&conf->shop, &dice);
    struct crowd *crowd = crowd_new(&conf->crowd, shop, &dice);
    for (int64_t i = 0; i < conf->rows && !ferror(file); i++) {
        struct crowd_act act = crowd_next(crowd);
        write_row(&out, conf, &dice, &act);
        fwrite(out.at, 1, out.len, file);
        buf_clear(&out);
    }
    crowd_free(crowd);
    shop_free(shop);
    buf_finish(&out);
    return fflush(file) == 0 && !ferror(file);
}

int main(int argc, char **argv)
{
    struct synth_conf conf = {0};
    struct err e = {0};
    const struct config_part parts[] = {{rows, &conf}, {0}};
    const struct options_spec spec = {
        .name = "weir-synth",
        .purpose = "generates a shop's behaviour log: user,item,category,behavior,time",
        .rows = options,
        .parts = parts,
    };
    options_read(&spec, argc, argv);
    conf.shop.start_ms = conf.crowd.start_ms;
    FILE *file = strcmp(conf.out, "-") == 0 ? stdout : fopen(conf.out, "w");
    if (!file || !generate(&conf, file) || fclose(file) != 0) {
        err_set(&e, "%s: cannot be written: %s", conf.out, strerror(errno));
        options_fail(spec.name, &e);
    }
    config_free(parts);
    return 0;
}
