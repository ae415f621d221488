/* The tests' own source keeps the contract of flow/source.h: every row once under commits, whatever comes between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "source_file.h"

/* Adds numbers up, and keeps the sum so far in the commit metadata. */
struct adder {
    struct source *source; /* ref */
    int64_t sum[2], next[2];
    bool mine[2], ended[2];
    int revoked_n, lost_n;
    bool refuses; /* partition 1 is not wanted */
};

static bool assigned(void *self, struct checkpoint *parts, size_t n, struct err *e)
{
    (void)e;
    struct adder *a = self;
    for (size_t i = 0; i < n; i++) {
        int32_t p = parts[i].partition;
        if (parts[i].offset == CHECKPOINT_NONE) parts[i].offset = 0;
        a->next[p] = parts[i].offset;
        a->sum[p] = strtoll(parts[i].metadata, NULL, 10);
        a->mine[p] = true;
        a->ended[p] = false;
    }
    return true;
}

static enum commit save(struct adder *a, struct err *e)
{
    struct checkpoint parts[2] = {{0}};
    size_t n = 0;
    for (int32_t p = 0; p < 2; p++) {
        if (!a->mine[p]) continue;
        parts[n].partition = p;
        parts[n].offset = a->next[p];
        snprintf(parts[n++].metadata, CHECKPOINT_METADATA_BYTES, "%lld", (long long)a->sum[p]);
    }
    return source_commit(a->source, parts, n, e);
}

static bool revoked(void *self, bool lost, struct err *e)
{
    (void)e;
    struct adder *a = self;
    a->revoked_n++;
    a->lost_n += lost;
    a->mine[0] = a->mine[1] = false;
    return true;
}

static bool record(void *self, const struct record *r, struct err *e)
{
    struct adder *a = self;
    int64_t number;
    if (r->offset != a->next[r->partition]) return err_set(e, "offset %lld", (long long)r->offset);
    if (!str_int64(r->value, &number)) return err_set(e, "not a number");
    a->sum[r->partition] += number;
    a->next[r->partition]++;
    return true;
}

static void end(void *self, int32_t partition, int64_t offset)
{
    struct adder *a = self;
    assert_int_equal(offset, a->next[partition]);
    a->ended[partition] = true;
}

static bool wants(void *self, int32_t partition)
{
    struct adder *a = self;
    return !(a->refuses && partition == 1);
}

static char dir[] = "/tmp/source_file.XXXXXX";

static void write_numbers(const char *name, int n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 1; i <= n; i++) fprintf(f, "%d\n", i);
    fclose(f);
}

static void round_of(struct source *s, struct adder *a, size_t max)
{
    struct stage stage = {a, assigned, revoked, record, end, wants, NULL};
    struct err e = {0};
    assert_true(source_poll(s, &stage, 0, &e));
    assert_true(source_read(s, &stage, max, &e));
}

static void reads_to_the_end(void **state)
{
    struct source *s = *state;
    struct adder a = {.source = s};
    for (int i = 0; i < 30; i++) round_of(s, &a, 10);
    assert_int_equal(a.sum[0], 5050);
    assert_int_equal(a.sum[1], 210);
    assert_true(a.ended[0] && a.ended[1]);
    assert_int_equal(source_partition_n(s), 2);
}

static void back_pressure_holds_one_partition(void **state)
{
    struct source *s = *state;
    struct adder a = {.source = s, .refuses = true};
    for (int i = 0; i < 30; i++) round_of(s, &a, 10);
    assert_true(a.ended[0] && !a.ended[1] && a.next[1] == 0);
    a.refuses = false;
    for (int i = 0; i < 3; i++) round_of(s, &a, 10);
    assert_int_equal(a.sum[1], 210);
}

static void a_crash_goes_back_to_the_commit(void **state)
{
    struct source *s = *state;
    struct err e = {0};
    struct adder a = {.source = s};
    round_of(s, &a, 7);
    assert_int_equal(save(&a, &e), COMMIT_DONE);
    round_of(s, &a, 5);
    source_file_crash(s);
    struct adder b = {.source = s};
    round_of(s, &b, 0);
    assert_int_equal(b.next[0], 7);
    for (int i = 0; i < 30; i++) round_of(s, &b, 10);
    assert_int_equal(b.sum[0] + b.sum[1], 5260);
    assert_int_equal(a.revoked_n, 0);
}

static void a_rebalance_moves_partitions(void **state)
{
    struct source *s = *state;
    struct err e = {0};
    struct adder a = {.source = s};
    round_of(s, &a, 7);
    source_file_rebalance(s, (const int32_t[]){1}, 1, false);
    round_of(s, &a, 7);
    assert_true(a.revoked_n == 1 && a.lost_n == 0 && !a.mine[0] && a.mine[1]);
    assert_int_equal(a.next[1], 7); /* nothing was committed: from the start */
    assert_true(source_reload(s, &e));
    round_of(s, &a, 0);
    assert_true(a.revoked_n == 2 && a.lost_n == 1 && a.next[1] == 0);
}

static void commits_fail_when_told(void **state)
{
    struct source *s = *state;
    struct err e = {0};
    struct adder a = {.source = s};
    round_of(s, &a, 7);
    source_file_answer(s, COMMIT_FAILED, 1);
    assert_int_equal(save(&a, &e), COMMIT_FAILED);
    assert_int_equal(e.status, ERR_FAILED);
    assert_int_equal(save(&a, &e), COMMIT_DONE);
    struct checkpoint c[2] = {{.partition = 1}, {.partition = 0}};
    assert_true(source_committed(s, c, 2, &e));
    assert_int_equal(c[0].offset, 7);
    assert_string_equal(c[0].metadata, "28");
}

static int open_source(void **state)
{
    *state = source_file_new(dir);
    return 0;
}

static int close_source(void **state)
{
    source_free(*state);
    return 0;
}

static int make_files(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) return -1;
    write_numbers("0.csv", 100);
    write_numbers("1.csv", 20);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    char path[256];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%d.csv", dir, i);
        unlink(path);
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_to_the_end, open_source, close_source),
        cmocka_unit_test_setup_teardown(back_pressure_holds_one_partition, open_source,
                                        close_source),
        cmocka_unit_test_setup_teardown(a_crash_goes_back_to_the_commit, open_source, close_source),
        cmocka_unit_test_setup_teardown(a_rebalance_moves_partitions, open_source, close_source),
        cmocka_unit_test_setup_teardown(commits_fail_when_told, open_source, close_source),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
