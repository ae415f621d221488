#include "flow/slate.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

struct slate *slate_new(enum slate_source source, const struct str *items, size_t n)
{
    size_t head = sizeof(struct slate) + n * sizeof(struct str), bytes = head;
    for (size_t i = 0; i < n; i++) bytes += items[i].len;
    struct slate *s = mem_zero(1, bytes);
    char *texts = (char *)s + head;
    s->source = source;
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        s->items[i] = (struct str){texts, items[i].len};
        memcpy(texts, items[i].at, items[i].len);
        texts += items[i].len;
    }
    return s;
}

bool slate_has(const struct slate *s, struct str item)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->items[i], item)) return true;
    return false;
}

static const char *const names[SLATE_SOURCE_N] = {"none", "hot", "mixed", "model"};

const char *slate_source_name(enum slate_source source)
{
    return names[source];
}

bool slate_source_of(struct str name, enum slate_source *ret_source)
{
    for (int i = 0; i < SLATE_SOURCE_N; i++)
        if (str_eq(str_of(names[i]), name)) return *ret_source = (enum slate_source)i, true;
    return false;
}

struct str slate_id(struct str user, int64_t end_ms, char text[SLATE_ID_BYTES])
{
    assert(user.len <= EVENT_KEY_MAX);
    memcpy(text, user.at, user.len);
    text[user.len] = '\x1f';
    char *end = str_put_int64(text + user.len + 1, end_ms);
    *end = '\0';
    return (struct str){text, (size_t)(end - text)};
}
