/* What is stored outlives the version that wrote it: every record in tests/golden is read, is written again byte for byte,
 * is refused by name as soon as it says that it is newer, and is taken for nothing but what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/wire.h"
#include "count/ledger.h"
#include "flow/meta.h"
#include "golden.h"
#include "recommend/settings.h"
#include "replay/bookmark.h"
#include "services/model.h"

/* Writes another number over the version in front, under a new checksum. */
static void make_newer(struct buf *record, char version)
{
    record->at[0] = version;
    record->len -= 8;
    wire_seal(record);
}

static void refused(bool taken, const struct err *e, const char *word)
{
    assert_false(taken);
    assert_int_equal(e->status, ERR_REFUSED);
    if (!strstr(e->text, word)) fail_msg("\"%s\" does not say \"%s\"", e->text, word);
}

static void same(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->at, b->at, a->len);
}

static void test_34_batch(void **unused)
{
    (void)unused;
    struct buf record = golden_read("batch-1"), again;
    struct batch b = {0};
    struct err e = {0};
    buf_init(&again, BATCH_MAX_BYTES);
    assert_true(batch_decode(&b, buf_str(&record), &e));
    assert_true(b.epoch == 3 && b.slide_ms == 300000 && b.line_n == 3 && b.pane_n == 3);
    assert_true(b.lines[0].from == 1000 && b.lines[0].clock_ms == 1511658000000);
    assert_true(b.lines[1].idle && b.lines[1].clock_ms == WATERMARK_NONE);
    assert_true(b.lines[2].to == 5000000000 && b.lines[2].since_ms == INT64_MAX);
    assert_true(b.panes[1].pane == 5038859 && b.panes[1].events == 7 && b.panes[2].item_n == 0);
    assert_true(str_eq(b.items[3].id, str_of("$gt")) && b.items[3].sum == BATCH_SUM_MAX);
    batch_encode(&b, &again);
    same(&record, &again);
    make_newer(&record, 2);
    refused(batch_decode(&b, buf_str(&record), &e), &e, "version");
    batch_finish(&b);
    buf_finish(&again);
    buf_finish(&record);
}

static void test_34_position(void **unused)
{
    (void)unused;
    struct buf old = golden_read("position-1"), record = golden_read("position-2"), again;
    struct bookmark b;
    struct err e = {0};
    buf_init(&again, 4096);
    assert_true(bookmark_decode(&b, buf_str(&old), &e));
    assert_true(str_eq(b.job, str_of("UserBehavior.csv")) && b.epoch == 2 && b.partitions == 4);
    assert_true(b.options == 0xfedcba9876543210 && b.loop == 1 && b.rejected == 107);
    assert_true(b.place.offset == 3672347465 && b.place.line == 100150807);
    assert_true(b.place.head_hash == 0x0123456789abcdef && b.place.tail_hash == UINT64_MAX);
    assert_true(b.first_ms == 1511539200000 && b.last_ms == 1512316799000 && b.sent == 100150700);
    assert_true(b.before_sent == 0 && b.before_rejected == 0);
    b.before_sent = 200301400;
    b.before_rejected = 214;
    bookmark_encode(&b, &again);
    same(&record, &again);
    assert_true(bookmark_decode(&b, buf_str(&record), &e));
    assert_true(b.sent == 100150700 && b.before_sent == 200301400 && b.before_rejected == 214);
    make_newer(&record, 3);
    refused(bookmark_decode(&b, buf_str(&record), &e), &e, "version 3");
    buf_finish(&again);
    buf_finish(&old);
    buf_finish(&record);
}

/* --- model files ------------------------------------------------------------------------------------ */

static char *golden_folder(void)
{
    return mem_printf("%s/tests/golden", getenv("WEIR_SOURCE"));
}

static void replace(char *text, const char *old, const char *new)
{
    char *at = strstr(text, old);
    assert_non_null(at);
    memcpy(at, new, strlen(new));
}

/* Writes root/model/manifest.json. */
static void put_manifest(const char *root, const struct buf *text)
{
    char *path = mem_printf("%s/model/manifest.json", root);
    FILE *f = fopen(path, "w");
    assert_int_equal(fwrite(text->at, 1, text->len, f), text->len);
    fclose(f);
    free(path);
}

static void remove_all(const char *root)
{
    char *command = mem_printf("rm -r %s", root);
    assert_int_equal(system(command), 0);
    free(command);
}

static void test_34_model(void **unused)
{
    (void)unused;
    char root[] = "/tmp/weir-golden-XXXXXX", *golden = golden_folder();
    struct buf manifest = golden_read("model-2/manifest.json");
    struct err e = {0};
    struct model *m = model_open(golden, "model-2", &e);
    assert_non_null(m);
    assert_true(m->ids.n == 3 && str_eq(ids_at(&m->ids, 1), str_of("10")));
    assert_int_equal(array_file_u64(&m->data, 0)[0], 170); /* 2 -> 10, 2 -> a */
    assert_non_null(mkdtemp(root));
    assert_true(model_write(m, root, "model", "20171203155959", &e));
    model_free(m);
    char *copy = mem_printf("%s/model/manifest.json", root), bytes[4096];
    FILE *f = fopen(copy, "r");
    assert_int_equal(fread(bytes, 1, sizeof bytes, f), manifest.len);
    fclose(f);
    assert_memory_equal(bytes, manifest.at, manifest.len);
    buf_add(&manifest, "", 1);
    manifest.len--;
    replace(manifest.at, "\"format\": 1", "\"format\": 2");
    put_manifest(root, &manifest);
    refused(model_open(root, "model", &e) != NULL, &e, "format");
    e = (struct err){0};
    refused(model_open(golden, "model-1", &e) != NULL, &e, "weir-fit"); /* it was one file then */
    remove_all(root);
    buf_finish(&manifest);
    free(copy);
    free(golden);
}

/* --- commit metadata -------------------------------------------------------------------------------- */

static struct checkpoint commit_of(const char *name)
{
    struct buf text = golden_read(name);
    struct checkpoint c = {.partition = 3, .offset = 41};
    assert_in_range(text.len, 1, sizeof c.metadata - 1);
    memcpy(c.metadata, text.at, text.len);
    buf_finish(&text);
    return c;
}

static void test_34_metadata_of_count(void **unused)
{
    (void)unused;
    const struct window_conf window = {.size_ms = 3600000, .slide_ms = 300000};
    const struct watermark_conf time = {10000, 60000, 5000};
    const struct ledger_conf conf = {&window, &time, 1, 2};
    struct checkpoint commit = commit_of("meta-count-1"), again;
    struct ledger l;
    struct err e = {0};
    ledger_init(&l, &conf);
    assert_true(ledger_open(&l, &commit, 1, &e));
    const struct account *a = ledger_account(&l, 3);
    assert_true(a->row == 7 && a->clock_ms == 1511544070000 && a->start == 40);
    assert_true(a->since_ms == 1511544300000 && a->counted_n == 12);
    ledger_marks(&l, &again);
    assert_string_equal(again.metadata, commit.metadata);
    commit.metadata[2] = '2';
    refused(ledger_open(&l, &commit, 1, &e), &e, "version");
    ledger_finish(&l);
}

static void test_34_metadata_of_recommend(void **unused)
{
    (void)unused;
    const struct settings settings = {7, 1, 1, 4, false};
    struct checkpoint commit = commit_of("meta-recommend-1"), again;
    struct rounds_mark mark;
    struct err e = {0};
    assert_true(settings_read(&settings, &commit, &mark, &e));
    assert_true(mark.state.clock_ms == 1511544070000 && mark.state.line_ms == 1511544000000);
    assert_true(mark.done_ms == 1511543700000 && mark.cut_offset == 45);
    assert_true(mark.cut_line_ms == 1511544300000);
    settings_write(&settings, &mark, again.metadata);
    assert_string_equal(again.metadata, commit.metadata);
    commit.metadata[2] = '2';
    refused(settings_read(&settings, &commit, &mark, &e), &e, "version");
}

/* Rank's and archive's fields are named here: their readers want a whole daemon around them. */
static void fields(const char *name, const char *const *names, size_t n)
{
    struct checkpoint commit = commit_of(name), again;
    struct meta_field all[8];
    int64_t values[8];
    struct err e = {0};
    for (size_t i = 0; i < n; i++) all[i] = (struct meta_field){names[i], &values[i]};
    assert_true(meta_read(commit.metadata, 1, all, n, &e));
    meta_write(again.metadata, 1, all, n);
    assert_string_equal(again.metadata, commit.metadata);
    commit.metadata[2] = '2';
    refused(meta_read(commit.metadata, 1, all, n, &e), &e, "version");
}

static void test_34_metadata_of_rank_and_archive(void **unused)
{
    (void)unused;
    const char *const rank[] = {"epoch", "slide", "size",  "lateness",
                                "next",  "shown", "fired", "frozen"};
    const char *const archive[] = {"epoch", "record"};
    fields("meta-rank-1", rank, COUNT_OF(rank));
    fields("meta-archive-1", archive, COUNT_OF(archive));
}

/* --- one for another -------------------------------------------------------------------------------- */

static void test_33_no_record_is_taken_for_another(void **unused)
{
    (void)unused;
    static const char *const names[] = {"batch-1",      "position-2", "model-1",
                                        "users-1.bson", "epoch-1",    "meta-count-1"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf record = golden_read(names[i]);
        struct batch batch = {0};
        struct bookmark bookmark;
        struct err e = {0};
        char *golden = golden_folder();
        assert_int_equal(batch_decode(&batch, buf_str(&record), &e), i == 0);
        assert_int_equal(bookmark_decode(&bookmark, buf_str(&record), &e), i == 1);
        assert_null(model_open(golden, names[i], &e));
        batch_finish(&batch);
        buf_finish(&record);
        free(golden);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_34_batch),
        cmocka_unit_test(test_34_position),
        cmocka_unit_test(test_34_model),
        cmocka_unit_test(test_34_metadata_of_count),
        cmocka_unit_test(test_34_metadata_of_recommend),
        cmocka_unit_test(test_34_metadata_of_rank_and_archive),
        cmocka_unit_test(test_33_no_record_is_taken_for_another),
    };
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
