/* The floor of weir-recommend: the writes alone. Round after round, each user gets a recommendation and a new state; the one
 * before gets its reward. The stores of common/io write them, in bulks as large as a wave, one after the other.
 *
 *     floor-recommend URI DATABASE USERS ROUNDS WAVE */
#include "base/clock.h"
#include "base/mem.h"
#include "floor.h"
#include "io/recommendations_mongo.h"
#include "io/users_mongo.h"

enum { K = 10, ITEMS = 8, INTERVAL_MS = 20000, TEXT_BYTES = 32 };

struct floor_recommend {
    struct recommendations_mongo *recommendations;
    struct users_mongo *users;
    struct slate *slate;
    struct history *history;
};

static void must(enum client_mongo_answer answer, const struct err *e)
{
    if (answer != CLIENT_MONGO_DONE) FLOOR_DIE("floor-recommend: %s", e->text);
}

/* Users first .. first + n - 1 in a round, from 1 on. */
static void wave(struct floor_recommend *f, int64_t round, int64_t first, size_t n)
{
    struct recommendations_mongo_doc *docs = mem_zero(n, sizeof docs[0]);
    struct users_mongo_write *writes = mem_zero(n, sizeof writes[0]);
    char(*names)[TEXT_BYTES] = mem_zero(n, TEXT_BYTES);
    struct client_mongo_counts counts = {0};
    struct err e = {0};
    for (size_t i = 0; i < n; i++) {
        snprintf(names[i], TEXT_BYTES, "%lld", (long long)first + (long long)i);
        docs[i] = (struct recommendations_mongo_doc){.user = str_of(names[i]),
                                                     .end_ms = round * INTERVAL_MS,
                                                     .history = f->history,
                                                     .slate = f->slate,
                                                     .model = "transitions",
                                                     .hot_version = -1,
                                                     .has_previous = round > 1,
                                                     .previous_ms = (round - 1) * INTERVAL_MS};
        writes[i] = (struct users_mongo_write){str_of(names[i]), f->history, round * INTERVAL_MS,
                                               f->slate, round - 1};
    }
    must(recommendations_mongo_insert(f->recommendations, docs, n, &counts, &e), &e);
    must(recommendations_mongo_reward(f->recommendations, docs, n, &e), &e);
    must((round == 1 ? users_mongo_insert : users_mongo_update)(f->users, writes, n, &counts, &e),
         &e);
    client_mongo_counts_finish(&counts);
    free(docs);
    free(writes);
    free(names);
}

static void make_content(struct floor_recommend *f)
{
    struct str items[ITEMS];
    struct history_entry entries[K];
    for (int i = 0; i < ITEMS; i++) items[i] = str_of("rec-1234");
    for (int i = 0; i < K; i++)
        entries[i] =
            (struct history_entry){str_of("12345"), str_of("pv"), i * INTERVAL_MS, {1, i, 0}};
    f->slate = slate_new(SLATE_MODEL, items, ITEMS);
    f->history = history_merge(NULL, entries, K, K);
}

int main(int argc, char **argv)
{
    if (argc != 6) FLOOR_DIE("usage: floor-recommend URI DATABASE USERS ROUNDS WAVE");
    char none[] = "";
    struct err e = {0};
    const struct client_mongo_conf conf = {argv[1], argv[2], none, none, 60000};
    struct client_mongo *client = client_mongo_new(&conf, "floor", &e);
    if (!client) FLOOR_DIE("floor-recommend: %s", e.text);
    struct floor_recommend f = {recommendations_mongo_new(client), users_mongo_new(client), NULL,
                                NULL};
    make_content(&f);
    int64_t users = atoll(argv[3]), rounds = atoll(argv[4]), most = atoll(argv[5]),
            begun_us = clock_now_us();
    for (int64_t round = 1; round <= rounds; round++)
        for (int64_t first = 0; first < users; first += most)
            wave(&f, round, first, (size_t)(users - first < most ? users - first : most));
    printf("{\"recommendations\": %lld, \"us\": %lld}\n", (long long)(users * rounds),
           (long long)(clock_now_us() - begun_us));
    free(f.slate);
    free(f.history);
    recommendations_mongo_free(f.recommendations);
    users_mongo_free(f.users);
    client_mongo_free(client);
    return 0;
}
