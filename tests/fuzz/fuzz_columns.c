/* The column spec, and the weights of behaviours: what is taken is within the bounds and comes back from its text. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/columns.h"
#include "flow/weights.h"
#include "fuzz.h"

static void columns(const char *spec)
{
    struct err e = {0};
    struct columns c, again;
    if (!columns_parse(&c, spec, &e)) {
        assert(e.status == ERR_REFUSED);
        return;
    }
    assert(c.n >= 3 && c.n <= COLUMNS_MAX && c.user != c.item && c.item != c.time);
    struct buf text;
    buf_init(&text, SIZE_MAX);
    for (int i = 0; i < c.n; i++) buf_printf(&text, "%s%s", i ? "," : "", c.names[i]);
    buf_add(&text, "", 1);
    bool good = columns_parse(&again, text.at, &e);
    assert(good && memcmp(&c, &again, sizeof c) == 0);
    buf_finish(&text);
}

static void weights(const char *spec)
{
    struct err e = {0};
    struct weights w;
    if (!weights_parse(&w, spec, 7, &e)) {
        assert(e.status == ERR_REFUSED);
        return;
    }
    assert(w.n >= 0 && w.n <= WEIGHTS_MAX && weights_of(&w, (struct str){0}) == 7);
    for (int i = 0; i < w.n; i++) {
        int64_t weight = weights_of(&w, str_of(w.at[i].name));
        assert(weight == w.at[i].weight && weight >= 0 && weight <= WEIGHTS_VALUE_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    char *spec = fuzz_exact((struct str){(const char *)at, n}, true);
    columns(spec);
    weights(spec);
    free(spec);
    return 0;
}
