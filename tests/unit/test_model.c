/* The model file: what is written is read; one that is cut, altered or nonsense under a right
 * checksum is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/wire.h"
#include "services/model.h"

/* Items 2, 10, a: 2 -> 10 (100), 2 -> a (170), a -> 2 (49). */
static const uint64_t sums[] = {270, 0, 49}, row_start[] = {0, 2, 2, 3},
                      text_start[] = {0, 1, 3, 4};
static const uint32_t to[] = {1, 2, 0}, count[] = {100, 170, 49};
static const struct model sample = {.items_n = 3,
                                    .edges_n = 3,
                                    .text_bytes = 4,
                                    .sums = sums,
                                    .row_start = row_start,
                                    .text_start = text_start,
                                    .to = to,
                                    .count = count,
                                    .text = "210a"};

/* Offsets in the sample's file. */
enum {
    VERSION = 16,
    ITEMS_N = 20,
    EDGES_N = 24,
    TEXT_BYTES = 32,
    SUMS = 40,
    ROWS = 64,
    TEXTS = 96,
    TO = 128,
    COUNT = 140,
    TEXT = 152,
    END = 156
};

static char directory[] = "/tmp/weir-model-XXXXXX", path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory)) return 1;
    snprintf(path, sizeof path, "%s/model", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void write_sample(void)
{
    struct err e = {0};
    if (!model_write(&sample, path, &e)) fail_msg("%s", e.text);
}

static void read_sample(char bytes[END])
{
    write_sample();
    FILE *f = fopen(path, "r");
    assert_int_equal(fread(bytes, 1, END, f), END);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
}

static void put_file(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void refused(const char *what, long at)
{
    struct model m;
    struct err e = {0};
    if (model_open(&m, path, &e)) fail_msg("taken: %s, %ld", what, at);
    assert_int_equal(e.status, ERR_REFUSED);
    assert_non_null(strstr(e.text, "weir-fit"));
    assert_null(strchr(e.text, '\n'));
}

static void round_trip(void **state)
{
    (void)state;
    struct model m;
    struct err e = {0};
    write_sample();
    write_sample(); /* over an old one */
    assert_true(model_open(&m, path, &e));
    assert_int_equal(m.items_n, 3);
    assert_int_equal(m.edges_n, 3);
    assert_memory_equal(m.sums, sums, sizeof sums);
    assert_memory_equal(m.row_start, row_start, sizeof row_start);
    assert_memory_equal(m.to, to, sizeof to);
    assert_memory_equal(m.count, count, sizeof count);
    assert_true(str_eq(model_id(&m, 1), str_of("10")));
    uint32_t item = 99;
    assert_true(model_find(&m, str_of("2"), &item) && item == 0);
    assert_true(model_find(&m, str_of("a"), &item) && item == 2);
    static const char *const unknown[] = {"", "1", "3", "11", "A", "b", "02"};
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        assert_false(model_find(&m, str_of(unknown[i]), &item));
    model_close(&m);
}

static void empty_model(void **state)
{
    (void)state;
    static const uint64_t zero[1] = {0};
    const struct model none = {.row_start = zero, .text_start = zero};
    struct model m;
    struct err e = {0};
    uint32_t item;
    assert_true(model_write(&none, path, &e));
    assert_true(model_open(&m, path, &e));
    assert_false(model_find(&m, str_of("1"), &item));
    model_close(&m);
}

static void every_truncation(void **state)
{
    (void)state;
    char bytes[END];
    read_sample(bytes);
    for (size_t n = 0; n < END; n++) {
        put_file(bytes, n);
        refused("truncated", (long)n);
    }
}

static void every_bit(void **state)
{
    (void)state;
    char bytes[END];
    read_sample(bytes);
    for (size_t i = 0; i < END * 8; i++) {
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
        put_file(bytes, END);
        refused("flipped", (long)i);
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
    }
}

/* Whoever can write the file can write its checksum too. */
static void sealed_nonsense(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t at, bytes;
        uint64_t value;
    } rows[] = {
        {"version", VERSION, 4, 2},
        {"more items", ITEMS_N, 4, 4},
        {"no items", ITEMS_N, 4, 0},
        {"most items", ITEMS_N, 4, UINT32_MAX},
        {"more edges", EDGES_N, 8, 4},
        {"most edges", EDGES_N, 8, UINT64_MAX},
        {"edges that wrap around", EDGES_N, 8, (1ULL << 61) + 3},
        {"less text", TEXT_BYTES, 8, 3},
        {"most text", TEXT_BYTES, 8, UINT64_MAX},
        {"wrong sum", SUMS, 8, 271},
        {"rows begin late", ROWS, 8, 1},
        {"rows go back", ROWS + 8, 8, 3},
        {"rows go far", ROWS + 8, 8, 1ULL << 60},
        {"rows end early", ROWS + 24, 8, 2},
        {"ids begin late", TEXTS, 8, 1},
        {"ids go far", TEXTS + 8, 8, 1ULL << 60},
        {"an empty id", TEXTS + 8, 8, 0},
        {"unknown item", TO, 4, 3},
        {"row out of order", TO + 4, 4, 1},
        {"count 0", COUNT + 8, 4, 0},
        {"id not text", TEXT, 1, 7},
        {"ids out of order", TEXT, 1, '9' + 1},
        {"the same id", TEXT + 3, 1, '2'},
    };
    char good[END];
    read_sample(good);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char bytes[END];
        memcpy(bytes, good, END);
        memcpy(bytes + rows[i].at, &rows[i].value, rows[i].bytes);
        uint64_t sum = wire_hash((struct str){bytes + VERSION, END - VERSION});
        memcpy(bytes + 8, &sum, sizeof sum);
        put_file(bytes, END);
        refused(rows[i].what, (long)i);
    }
}

static void other_files(void **state)
{
    (void)state;
    struct model m;
    struct err e = {0};
    unlink(path);
    refused("absent", 0);
    assert_false(model_open(&m, directory, &e));
    assert_int_equal(e.status, ERR_REFUSED);
    put_file("user,item,category,behavior,time\n1,2,3,pv,5\n", 44);
    refused("a log", 0);
}

static void cannot_be_written(void **state)
{
    (void)state;
    struct err e = {0};
    assert_false(model_write(&sample, "/nowhere/model", &e));
    assert_non_null(strstr(e.text, "/nowhere/model"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),        cmocka_unit_test(empty_model),
        cmocka_unit_test(every_truncation),  cmocka_unit_test(every_bit),
        cmocka_unit_test(sealed_nonsense),   cmocka_unit_test(other_files),
        cmocka_unit_test(cannot_be_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
