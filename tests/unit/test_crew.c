/* Shared work: every piece is done once, whoever shares how much at a time. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "infer/crew.h"

enum { PIECES = 40, ROUNDS = 300, SHARERS = 3 };

static struct crew *crew;

static void count(void *ctx, size_t i)
{
    atomic_int *done = ctx;
    atomic_fetch_add(&done[i], 1);
}

/* Works of all sizes, none among them; -> NULL, or what was not done once. */
static void *share_often(void *unused)
{
    (void)unused;
    for (size_t round = 0; round < ROUNDS; round++) {
        atomic_int done[PIECES] = {0};
        size_t n = round % (PIECES + 1);
        crew_share(crew, n, count, done);
        for (size_t i = 0; i < PIECES; i++)
            if (atomic_load(&done[i]) != (i < n)) return "a piece was left, or done twice";
    }
    return NULL;
}

static void each_piece_once(void **state)
{
    (void)state;
    for (size_t helpers = 0; helpers < 4; helpers++) {
        pthread_t sharers[SHARERS];
        crew = crew_new(helpers);
        for (size_t i = 0; i < SHARERS; i++)
            assert_int_equal(pthread_create(&sharers[i], NULL, share_often, NULL), 0);
        for (size_t i = 0; i < SHARERS; i++) {
            void *wrong;
            assert_int_equal(pthread_join(sharers[i], &wrong), 0);
            assert_null(wrong);
        }
        crew_free(crew);
    }
}

/* Two pieces that wait for each other: the caller cannot do both. */
static void meet(void *ctx, size_t i)
{
    (void)i;
    pthread_barrier_wait(ctx);
}

static void pieces_at_a_time(void **state)
{
    (void)state;
    pthread_barrier_t both;
    crew = crew_new(1);
    assert_int_equal(pthread_barrier_init(&both, NULL, 2), 0);
    for (int round = 0; round < 20; round++) crew_share(crew, 2, meet, &both);
    pthread_barrier_destroy(&both);
    crew_free(crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_piece_once),
                                       cmocka_unit_test(pieces_at_a_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
