/* The map against the plainest possible one, under random operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"

enum { KEYS = 300 };

/* Keys of all lengths, with zero bytes, one of them empty. */
static struct str key_of(int i, char text[16])
{
    size_t len = (size_t)(i % 13);
    memset(text, 0, 16);
    if (i == 0) return (struct str){text, 0};
    memcpy(text, &i, sizeof i);
    return (struct str){text, len < 2 ? 2 : len};
}

struct model {
    bool there[KEYS];
    uint64_t value[KEYS];
    size_t n;
};

static void assert_same(const struct map *m, const struct model *model)
{
    char text[16];
    size_t cursor = 0, walked = 0;
    assert_int_equal(m->n, model->n);
    assert_true(m->index.n == m->n && m->n <= m->index.cap / 4 * 3);
    for (int i = 0; i < KEYS; i++) {
        const uint64_t *found = map_find(m, key_of(i, text));
        assert_int_equal(found != NULL, model->there[i]);
        if (found) assert_true(*found == model->value[i]);
    }
    for (const struct map_entry *s; (s = map_next(m, &cursor)); walked++) {
        int i = (int)(s->value % KEYS); /* values tell their keys */
        struct str key = key_of(i, text);
        assert_true(model->there[i] && str_eq(key_str(&s->key), key));
    }
    assert_int_equal(walked, model->n);
}

static void step(struct map *m, struct model *model)
{
    char text[16];
    int i = (int)(random() % KEYS);
    struct str key = key_of(i, text);
    if (random() % 5 < 3) {
        bool is_new;
        uint64_t *value = map_put(m, key, &is_new);
        assert_int_equal(is_new, !model->there[i]);
        assert_true(*value == (is_new ? 0 : model->value[i]));
        *value = model->value[i] = (uint64_t)(random() % 1000000 * KEYS + i);
        model->n += is_new;
        model->there[i] = true;
        memset(text, 'x', sizeof text); /* the map keeps its own copy */
    } else {
        assert_int_equal(map_remove(m, key), model->there[i]);
        model->n -= model->there[i];
        model->there[i] = false;
    }
}

static void random_operations(void **state)
{
    (void)state;
    srandom(1);
    struct map m;
    for (int round = 0; round < 20; round++) {
        struct model model = {0};
        map_init(&m);
        for (int i = 0; i < 3000; i++) {
            step(&m, &model);
            if (i % 50 == 0) assert_same(&m, &model);
            if (random() % 2000 == 0) {
                map_clear(&m);
                model = (struct model){0};
            }
        }
        assert_same(&m, &model);
        map_finish(&m);
    }
}

/* All slots of one run of collisions, wrapped around the end of the table or not: the hashes are forced. */
static void removal_with_collisions(void **state)
{
    (void)state;
    srandom(2);
    for (int round = 0; round < 500; round++) {
        struct map m;
        map_init(&m);
        m.index.seed = (uint64_t)random(); /* another order every time */
        struct model model = {0};
        for (int i = 0; i < 12; i++) { /* 12 of 16 slots: the fullest that there is */
            char text[16];
            *map_put(&m, key_of(i, text), NULL) = model.value[i] = (uint64_t)i;
            model.there[i] = true;
            model.n++;
        }
        assert_int_equal(m.index.cap, 16);
        while (model.n) {
            char text[16];
            int i = (int)(random() % 12);
            assert_int_equal(map_remove(&m, key_of(i, text)), model.there[i]);
            model.n -= model.there[i];
            model.there[i] = false;
            assert_same(&m, &model);
        }
        map_finish(&m);
    }
}

static void empty_map(void **state)
{
    (void)state;
    struct map m;
    size_t cursor = 0;
    map_init(&m);
    assert_null(map_find(&m, str_of("a")));
    assert_false(map_remove(&m, str_of("a")));
    assert_null(map_next(&m, &cursor));
    map_clear(&m);
    *map_put(&m, (struct str){0}, NULL) = 7; /* the empty key */
    assert_true(*map_find(&m, str_of("")) == 7);
    assert_null(map_find(&m, str_of("a")));
    map_finish(&m);
    map_finish(&m);
}

static void seeds_differ(void **state)
{
    (void)state;
    struct map a, b;
    map_init(&a);
    map_init(&b);
    assert_true(a.index.seed != b.index.seed);
    map_finish(&a);
    map_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(removal_with_collisions),
        cmocka_unit_test(empty_map),
        cmocka_unit_test(seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
