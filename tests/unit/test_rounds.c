/* Rounds against a naive model: random logs with disorder, late rows and packed records, read by owners that die at
 * any time and begin again at what was committed, with cuts where the log stops for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "recommend/rounds.h"

enum { L = 20, RECORDS = 60, ROWS = 4, USERS = 4, CUTS = RECORDS, SEEDS = 3000 };

static const struct rounds_conf conf = {L, {.delay_ms = 10, .lateness_ms = 40}};
static const char *const names[USERS] = {"ann", "bob", "eve", "joe"};

struct row {
    int64_t time_ms, due_ms; /* due_ms: WATERMARK_NONE = late */
    int user;
};

struct trial {
    unsigned seed;
    struct row rows[RECORDS][ROWS];
    int row_n[RECORDS], n, shown; /* so many records are there already */
    struct {
        int64_t offset, line_ms;
    } cuts[CUTS];
    int cut_n;
    struct rounds r;
    struct rounds_mark committed;
    int64_t committed_line_ms; /* line at the last commit of this owner */
    int64_t last_due_ms[USERS];
    bool served[RECORDS][ROWS];
};

static int pick(struct trial *t, int n)
{
    return rand_r(&t->seed) % n;
}

static void make_log(struct trial *t)
{
    int64_t now = 100;
    t->n = 10 + pick(t, RECORDS - 10);
    for (int i = 0; i < t->n; i++) {
        t->row_n[i] = 1 + pick(t, ROWS);
        for (int j = 0; j < t->row_n[i]; j++) {
            now += pick(t, 5) ? pick(t, 8) : pick(t, 70);
            t->rows[i][j] = (struct row){.time_ms = now - (pick(t, 3) ? 0 : pick(t, 70)),
                                         .user = pick(t, USERS)};
        }
    }
}

/* The definition of due, once more and in the plainest way, with the cuts that were committed. */
static void decide(struct trial *t)
{
    int64_t clock = -1000, line = -1000;
    for (int i = 0; i < t->n; i++)
        for (int j = 0; j < t->row_n[i]; j++) {
            struct row *row = &t->rows[i][j];
            for (int c = 0; c < t->cut_n; c++)
                if (t->cuts[c].offset <= i && t->cuts[c].line_ms > line) line = t->cuts[c].line_ms;
            int64_t end = row->time_ms / L * L + L;
            row->due_ms = end > line + L ? end : line + L;
            if (end + 40 <= clock - 10) row->due_ms = WATERMARK_NONE;
            if (row->time_ms > clock) clock = row->time_ms;
            if ((clock - 10) / L * L > line) line = (clock - 10) / L * L;
        }
}

static void begin(struct trial *t)
{
    rounds_init(&t->r, &conf, 3, &t->committed);
    t->committed_line_ms = WATERMARK_NONE;
    for (int u = 0; u < USERS; u++) t->last_due_ms[u] = WATERMARK_NONE;
}

static void die(struct trial *t)
{
    rounds_finish(&t->r);
    begin(t);
}

static void read_record(struct trial *t)
{
    int i = (int)t->r.next_offset;
    rounds_begin(&t->r, i);
    for (int j = 0; j < t->row_n[i]; j++) {
        const struct row *row = &t->rows[i][j];
        struct event event = {.position = {3, i, j},
                              .time_ms = row->time_ms,
                              .user = str_of(names[row->user]),
                              .item = str_of("item"),
                              .behavior = str_of("pv")};
        (void)rounds_row(&t->r, &event);
    }
    rounds_reach(&t->r, i + 1);
}

static void commit(struct trial *t)
{
    t->committed = rounds_mark(&t->r);
    if (t->r.cut_pending) {
        t->cuts[t->cut_n].offset = t->r.cut_offset;
        t->cuts[t->cut_n++].line_ms = t->r.cut_line_ms;
    }
    if (pick(t, 8) == 0) return die(t); /* it was taken, but nobody heard */
    rounds_committed(&t->r);
    t->committed_line_ms = t->r.now.line_ms;
}

static int user_of(const struct rounds_user *u)
{
    for (int i = 0; i < USERS; i++)
        if (str_eq(u->user, str_of(names[i]))) return i;
    fail();
    return 0;
}

/* A user is served with exactly the rows that are due then, in order of position. */
static void check_user(struct trial *t, const struct rounds_due *due)
{
    const struct rounds_user *u = rounds_due_user(due);
    int64_t due_ms = due->bucket->due_ms;
    int user = user_of(u);
    size_t found = 0;
    assert_true(due_ms <= t->committed_line_ms);
    assert_true(due_ms > t->last_due_ms[user]);
    assert_true(due_ms > t->r.done_ms);
    t->last_due_ms[user] = due_ms;
    decide(t);
    for (int i = 0; i < t->r.next_offset; i++)
        for (int j = 0; j < t->row_n[i]; j++) {
            if (t->rows[i][j].user != user || t->rows[i][j].due_ms != due_ms) continue;
            assert_true(found < u->n);
            assert_int_equal(u->rows[found].position.offset, i);
            assert_int_equal(u->rows[found].position.row, j);
            assert_int_equal(u->rows[found++].time_ms, t->rows[i][j].time_ms);
            t->served[i][j] = true;
        }
    assert_int_equal(found, u->n);
}

static void serve(struct trial *t)
{
    struct rounds_due dues[3];
    struct map busy;
    map_init(&busy);
    size_t n = rounds_take(&t->r, dues, 1 + (size_t)pick(t, 3), &busy, NULL);
    assert_int_equal(busy.n, n);
    for (size_t i = 0; i < n; i++) check_user(t, &dues[i]);
    for (size_t i = 0; i < n; i++) rounds_served(&dues[i]);
    map_finish(&busy);
}

static void act(struct trial *t)
{
    bool more = t->r.next_offset < t->shown && !t->r.cut_pending;
    switch (pick(t, 8)) {
    case 0: commit(t); break;
    case 1:
    case 2: serve(t); break;
    case 3:
        if (pick(t, 10) == 0) die(t);
        break;
    case 4:
        if (t->shown < t->n) t->shown++;
        break;
    case 5:
        if (!more && t->cut_n < CUTS && rounds_cut(&t->r)) commit(t);
        break;
    default:
        if (more) read_record(t);
    }
}

static bool finished(const struct trial *t)
{
    return t->r.next_offset == t->n && t->r.n == 0 && t->committed.offset == t->n;
}

static void run(unsigned seed)
{
    struct trial *t = mem_zero(1, sizeof *t);
    t->seed = seed;
    t->committed = (struct rounds_mark){
        0, {WATERMARK_NONE, WATERMARK_NONE}, WATERMARK_NONE, ROUNDS_NO_CUT, WATERMARK_NONE};
    make_log(t);
    begin(t);
    for (int i = 0; i < 100000 && !finished(t); i++) act(t);
    assert_true(finished(t));
    assert_int_equal(t->r.row_n, 0);
    decide(t);
    for (int i = 0; i < t->n; i++)
        for (int j = 0; j < t->row_n[i]; j++)
            assert_int_equal(t->served[i][j], t->rows[i][j].due_ms != WATERMARK_NONE);
    rounds_finish(&t->r);
    free(t);
}

static void equals_the_model(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) run(seed);
}

/* --- single rules -------------------------------------------------------------------------------- */

static struct rounds fresh(void)
{
    struct rounds r;
    const struct rounds_mark nothing = {
        0, {WATERMARK_NONE, WATERMARK_NONE}, WATERMARK_NONE, ROUNDS_NO_CUT, WATERMARK_NONE};
    rounds_init(&r, &conf, 3, &nothing);
    return r;
}

static void read_row(struct rounds *r, const char *user, int64_t time_ms)
{
    int64_t offset = r->next_offset;
    rounds_begin(r, offset);
    (void)rounds_row(r, &(struct event){.position = {3, offset, 0},
                                        .time_ms = time_ms,
                                        .user = str_of(user),
                                        .item = str_of("item")});
    rounds_reach(r, offset + 1);
}

static size_t serve_all(struct rounds *r)
{
    struct rounds_due dues[32];
    struct map busy;
    map_init(&busy);
    size_t n = rounds_take(r, dues, 32, &busy, NULL), ended = 0;
    for (size_t i = 0; i < n; i++) ended += rounds_served(&dues[i]);
    map_finish(&busy);
    return ended;
}

static void a_closed_round_waits_for_a_commit_behind_it(void **state)
{
    (void)state;
    struct rounds r = fresh();
    read_row(&r, "ann", 100); /* due at 120 */
    assert_false(rounds_closed(&r) || rounds_fenced(&r));
    read_row(&r, "bob", 129);
    assert_false(rounds_closed(&r));
    read_row(&r, "bob", 130); /* 130 - delay = 120 */
    assert_true(rounds_closed(&r) && rounds_fenced(&r));
    assert_int_equal(serve_all(&r), 0);
    rounds_committed(&r);
    assert_true(rounds_closed(&r) && !rounds_fenced(&r));
    assert_int_equal(serve_all(&r), 1);
    assert_false(rounds_closed(&r));
    rounds_finish(&r);
}

/* Commits say so as long as, and no longer than, a restart would read rows before it again. */
static void a_cut_stays_in_the_commits_until_the_hold_has_passed_it(void **state)
{
    (void)state;
    struct rounds r = fresh();
    assert_false(rounds_cut(&r)); /* nothing to close */
    read_row(&r, "ann", 100);
    assert_true(rounds_cut(&r));
    assert_false(rounds_cut(&r));
    struct rounds_mark mark = rounds_mark(&r);
    assert_true(mark.offset == 0 && mark.cut_offset == 1 && mark.cut_line_ms == 120);
    rounds_committed(&r);
    assert_false(rounds_cut(&r)); /* what is closed comes first */
    assert_int_equal(serve_all(&r), 1);
    mark = rounds_mark(&r);
    assert_true(mark.offset == 1 && mark.state.line_ms == 120 && mark.done_ms == 120);
    assert_true(mark.cut_offset == ROUNDS_NO_CUT && mark.cut_line_ms == WATERMARK_NONE);
    rounds_finish(&r);
}

/* Looking for users that are free costs so much and no more. */
static void a_look_ends_after_eight_users_per_one_wanted(void **state)
{
    (void)state;
    static const char *const many[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
    struct rounds_due due;
    struct rounds r = fresh();
    for (size_t i = 0; i < COUNT_OF(many); i++) read_row(&r, many[i], 100);
    read_row(&r, "later", 130);
    rounds_committed(&r);
    for (size_t busy_n = 7; busy_n <= 8; busy_n++) {
        struct map busy;
        map_init(&busy);
        for (size_t i = 0; i < busy_n; i++) map_put(&busy, str_of(many[i]), NULL);
        size_t taken = rounds_take(&r, &due, 1, &busy, NULL);
        assert_int_equal(taken, busy_n == 7);
        if (taken) assert_true(str_eq(rounds_due_user(&due)->user, str_of("7")));
        map_finish(&busy);
    }
    rounds_finish(&r);
}

/* Late or not, where clocks and ends of intervals meet. */
static void verdicts_at_the_edges(void **state)
{
    (void)state;
    const struct {
        int64_t clock_ms, time_ms, due_ms; /* due_ms: 0 = late */
    } cases[] = {
        {130, 119, 140}, /* its interval is closed: due with the next */
        {130, 120, 140}, {129, 119, 120}, {169, 119, 160}, {170, 119, 0}, {170, 120, 180},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rounds r = fresh();
        read_row(&r, "first", cases[i].clock_ms);
        size_t before = r.row_n;
        read_row(&r, "row", cases[i].time_ms);
        assert_int_equal(r.row_n - before, cases[i].due_ms != 0);
        for (size_t j = 0; j < r.n; j++)
            if (map_find(&r.buckets[j]->index, str_of("row")))
                assert_int_equal(r.buckets[j]->due_ms, cases[i].due_ms);
        rounds_finish(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_model),
        cmocka_unit_test(a_closed_round_waits_for_a_commit_behind_it),
        cmocka_unit_test(a_cut_stays_in_the_commits_until_the_hold_has_passed_it),
        cmocka_unit_test(a_look_ends_after_eight_users_per_one_wanted),
        cmocka_unit_test(verdicts_at_the_edges),
    };
    return cmocka_run_group_tests_name("rounds", tests, NULL, NULL);
}
