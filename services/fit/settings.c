#include "fit/settings.h"

#include <stddef.h>

#define ROW(section, name, kind, fallback, help, field, ...)                                       \
    {                                                                                              \
        section, name, kind, fallback, help, offsetof(struct settings, field), __VA_ARGS__         \
    }

const struct config_row settings_rows[] = {
    ROW("fit", "out", CONFIG_STR, "",
        "the model directory to write, named like the model; empty = models/KIND", out, 0),
    ROW("fit", "from_mongodb", CONFIG_BOOL, "no", "learn from MongoDB's events instead of a LOG",
        from_mongodb, 0),
    ROW("fit", "validate", CONFIG_BOOL, "yes",
        "fit on a part of the log first, and measure on the rest", validate, 0),
    ROW("fit", "split", CONFIG_CHOICE, "last",
        "that rest: the last rows of each user, or all of the tenth of users who came last", split,
        0, 0, "last|users"),
    ROW("fit", "hold_back", CONFIG_DURATION, "0",
        "learn nothing from the end of the log, so long: weir-fit evaluate can ask about it",
        hold_back_ms, 0),
    ROW("blend", "parts", CONFIG_STR, "transitions,itemknn,vmisknn",
        "the models that are mixed, from the directory of the blend", parts, 0),
    ROW("itemknn", "neighbours", CONFIG_INT, "200", "kept for each item", itemknn.neighbours, 1,
        10000),
    ROW("itemknn", "recent", CONFIG_INT, "10", "so many of a user's last items count",
        itemknn.recent, 1, 200),
    ROW("itemknn", "decay", CONFIG_REAL, "0.9",
        "of an item's weight, from one to the one before it", itemknn.decay, 0, 1),
    ROW("vmisknn", "sessions", CONFIG_INT, "500", "kept for each item, the newest",
        vmisknn.sessions, 1, 100000),
    ROW("vmisknn", "neighbours", CONFIG_INT, "100", "sessions that vote", vmisknn.neighbours, 1,
        10000),
    ROW("vmisknn", "recent", CONFIG_INT, "10", "so many of a user's last items count",
        vmisknn.recent, 1, 200),
    ROW("vmisknn", "near", CONFIG_REAL, "2",
        "an item so many places from where sessions meet counts 1 / (1 + near * places); 0 = alike",
        vmisknn.near, 0, 1000),
    ROW("ease", "ridge", CONFIG_REAL, "300", "added to the diagonal: greater forgets more",
        ease.ridge, 0, 1000000000),
    ROW("ease", "recency", CONFIG_REAL, "0.98",
        "of an item's weight, from one to the one before it", ease.recency, 0, 1),
    ROW("ease", "items", CONFIG_INT, "0",
        "keep so many of the most popular items; 0 = all, as long as they are 10000 at most",
        ease.items, 0, 10000),
    {0},
};
