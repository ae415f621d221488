/* Freeing nothing is fine, as with free(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "archive/archiver.h"
#include "archive/letters.h"
#include "count/count.h"
#include "count/op_count.h"
#include "flow/lines.h"
#include "flow/panes.h"
#include "flow/ranking.h"
#include "flow/source.h"
#include "flow/windows.h"
#include "rank/rank.h"
#include "recommend/cache.h"
#include "recommend/recommend.h"
#include "recommend/wave.h"

static void nothing_is_freed(void **state)
{
    (void)state;
    archiver_free(NULL);
    letters_free(NULL);
    count_free(NULL);
    op_count_free(NULL);
    lines_free(NULL);
    panes_free(NULL);
    ranking_free(NULL);
    source_free(NULL);
    windows_free(NULL);
    rank_free(NULL);
    cache_free(NULL);
    recommend_free(NULL);
    wave_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_freed)};
    return cmocka_run_group_tests_name("nothing", tests, NULL, NULL);
}
