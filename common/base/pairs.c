#include "base/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

bool pairs_secret(const char *name)
{
    static const char *const marks[] = {"password", "secret", ".pem", "oauthbearer"};
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (strcasestr(name, marks[i])) return true;
    return false;
}

static struct config_pair *find(struct config_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->n; i++)
        if (strcmp(pairs->at[i].name, name) == 0) return &pairs->at[i];
    return NULL;
}

void pairs_set(struct config_pairs *pairs, const char *name, const char *value)
{
    struct config_pair *pair = find(pairs, name);
    if (!pair) {
        pairs->at = mem_grow(pairs->at, pairs->n, &pairs->cap, sizeof pairs->at[0]);
        pair = &pairs->at[pairs->n++];
        *pair = (struct config_pair){.name = mem_dup(name, strlen(name))};
    }
    secret_free(pair->value);
    pair->value = mem_dup(value, strlen(value));
}

void pairs_finish(struct config_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        free(pairs->at[i].name);
        secret_free(pairs->at[i].value);
    }
    free(pairs->at);
    *pairs = (struct config_pairs){0};
}
