/* Configuration files and options: what is taken prints as a file that says the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "inference-client/client.h"
#include "io/client_mongo.h"
#include "io/client_redis.h"
#include "io/conf_kafka.h"
#include "io/decode.h"

struct conf {
    struct decode_conf record;
    struct client_mongo_conf mongo;
    struct client_redis_conf redis;
    struct client_conf infer;
    struct conf_kafka kafka;
};

enum { PARTS = 6 };

static void list_parts(struct conf *conf, struct config_part parts[PARTS])
{
    const struct config_part all[PARTS] = {
        {decode_rows, &conf->record},      {client_mongo_rows, &conf->mongo},
        {client_redis_rows, &conf->redis}, {client_rows, &conf->infer},
        {conf_kafka_rows, &conf->kafka},   {0}};
    memcpy(parts, all, sizeof all);
    struct err e = {0};
    bool good = config_defaults(parts, &e);
    assert(good);
}

static char *print(const struct config_part *parts)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    config_print(parts, out);
    fclose(out);
    return text;
}

/* A line that was as long as a line may be gains spaces when it is printed. */
static void read_back(const char *text)
{
    struct conf conf;
    struct config_part parts[PARTS];
    struct err e = {0};
    list_parts(&conf, parts);
    bool good = config_file(parts, fuzz_file(str_of(text)), &e);
    assert(good || strstr(e.text, "is too long"));
    char *again = print(parts);
    assert(!good || strcmp(text, again) == 0);
    free(again);
    config_free(parts);
}

/* What the parts make of their values. */
static void use(const struct conf *conf)
{
    struct err e[2] = {{0}, {0}};
    struct decoder *d = decode_new(&conf->record, &e[0]);
    decode_free(d);
    bool good = client_mongo_check(&conf->mongo, &e[1]);
    assert(good == !e[1].status && !d == (e[0].status == ERR_REFUSED));
}

static bool options(const struct config_part *parts, char *text, struct err *e)
{
    struct str rest = {text, strlen(text)};
    while (rest.at) {
        struct str line = str_cut(&rest, '\n');
        char *option = mem_dup(line.at, line.len);
        bool good = config_option(parts, option, e);
        free(option);
        if (!good) return false;
    }
    return true;
}

/* The first byte: an odd one makes the rest options, one a line. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct fuzz f = {at, n};
    struct conf conf;
    struct config_part parts[PARTS];
    struct err e = {0};
    list_parts(&conf, parts);
    bool file = fuzz_take(&f, 1) % 2 == 0;
    char *text = fuzz_exact(fuzz_rest(&f), true);
    bool good = file ? config_file(parts, fuzz_file(fuzz_rest(&f)), &e) : options(parts, text, &e);
    assert(good || e.status == ERR_REFUSED);
    char *printed = print(parts);
    if (good && file) read_back(printed);
    if (good) use(&conf);
    free(printed);
    free(text);
    config_free(parts);
    return 0;
}
