#include "infer/split.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/wire.h"

enum { WEIGHT_MAX = 1000000, KEY_MAX_BYTES = 1024 };

static bool read_arm(struct split_arm *arm, struct str piece)
{
    int64_t weight;
    struct str model = str_trim(str_cut(&piece, ':'));
    if (!piece.at || model.len == 0 || model.len >= sizeof arm->model) return false;
    if (!str_int64(str_trim(piece), &weight) || weight < 1 || weight > WEIGHT_MAX) return false;
    memcpy(arm->model, model.at, model.len);
    arm->weight = (uint32_t)weight;
    return manifest_json_name(arm->model);
}

bool split_read(struct split *s, const char *name, const char *value, struct err *e)
{
    *s = (struct split){0};
    struct str rest = str_of(value);
    bool good = manifest_json_name(name);
    while (good && rest.at) {
        good = s->arms_n < SPLIT_ARMS_MAX && read_arm(&s->arms[s->arms_n], str_cut(&rest, ','));
        s->arms_n++;
    }
    if (good) snprintf(s->name, sizeof s->name, "%s", name);
    return good ||
           err_refuse(e, "ab.%s = \"%s\": want up to %d of MODEL:WEIGHT, separated by commas", name,
                      value, SPLIT_ARMS_MAX);
}

size_t split_arm(const struct split *s, struct str user)
{
    struct buf key;
    uint64_t sum = 0;
    for (size_t i = 0; i < s->arms_n; i++) sum += s->arms[i].weight;
    buf_init(&key, KEY_MAX_BYTES);
    buf_add(&key, s->name, strlen(s->name) + 1);
    buf_add_str(&key, user);
    uint64_t at = wire_xxh64(buf_str(&key)) % sum;
    buf_finish(&key);
    size_t arm = 0;
    for (; at >= s->arms[arm].weight; arm++) at -= s->arms[arm].weight;
    return arm;
}
