#include "client_double.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "inference-client/client.h"

enum { ITEMS_MAX = 64, ASKS_MAX = 4 };

struct ask {
    client_answer *answer;
    void *ctx;
    bool deaf;
    struct str items[ITEMS_MAX]; /* of the catalogue */
    size_t n;
};

struct client {
    struct ask asks[ASKS_MAX];
    size_t n;
};

static struct str catalogue;
static bool is_fickle;
static int deaf_n; /* how many more; < 0 = all */

void client_double_catalogue(const char *items, bool fickle)
{
    catalogue = str_of(items);
    is_fickle = fickle;
    deaf_n = -1;
}

void client_double_deaf_for(int n)
{
    deaf_n = n;
}

struct client *client_new(const struct client_conf *conf, struct metrics *m, struct err *e)
{
    (void)conf, (void)m, (void)e;
    if (is_fickle && catalogue.len) str_cut(&catalogue, ',');
    return mem_zero(1, sizeof(struct client));
}

void client_free(struct client *c)
{
    free(c);
}

static bool known(const struct client_ask *ask, struct str item)
{
    for (size_t i = 0; i < ask->history_n; i++)
        if (str_eq(ask->history[i], item)) return true;
    return false;
}

void client_ask(struct client *c, const struct client_ask *ask, client_answer *answer, void *ctx)
{
    assert(c->n < ASKS_MAX && ask->n_rec <= ITEMS_MAX && ask->history_n > 0);
    struct ask *mine = &c->asks[c->n++];
    struct str rest = catalogue;
    bool deaf = deaf_n && ask->user.len >= 4 && memcmp(ask->user.at, "deaf", 4) == 0;
    if (deaf && deaf_n > 0) deaf_n--;
    *mine = (struct ask){.answer = answer, .ctx = ctx, .deaf = deaf};
    while (!deaf && rest.len && mine->n < (size_t)ask->n_rec) {
        struct str item = str_cut(&rest, ',');
        if (!known(ask, item)) mine->items[mine->n++] = item;
    }
}

void client_hurry(struct client *c)
{
    (void)c;
}

void client_poll(struct client *c, int64_t wait_ms)
{
    (void)wait_ms;
    size_t n = c->n;
    c->n = 0;
    for (size_t i = 0; i < n; i++) {
        struct ask *a = &c->asks[i];
        a->answer(a->ctx, &(struct client_reply){.status = a->deaf ? CLIENT_TIMEOUT : CLIENT_GOOD,
                                                 .items = a->items,
                                                 .n = a->n});
    }
}

size_t client_room(const struct client *c)
{
    return ASKS_MAX - c->n;
}

size_t client_pending(const struct client *c)
{
    return c->n;
}

void client_drop(struct client *c)
{
    c->n = 0;
}
