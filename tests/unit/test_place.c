/* How a path becomes the root and the name of a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "fit/place.h"

static void paths(void **state)
{
    (void)state;
    static const char *const cases[][3] = {{"models/ease", "models", "ease"},
                                           {"/a/b/c", "/a/b", "c"},
                                           {"/c", "/", "c"},
                                           {"ease", ".", "ease"},
                                           {"a/", "a", ""},
                                           {"", ".", ""}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct place p = place_of(cases[i][0]);
        assert_string_equal(p.root, cases[i][1]);
        assert_string_equal(p.name, cases[i][2]);
        place_finish(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
