#include "recommend/cache.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

/* In a ring with the head: head.next is the newest, head.prev the oldest. */
struct node {
    struct node *prev, *next;
    struct str user;             /* own */
    struct users_mongo_doc *doc; /* own */
};

struct cache {
    struct node head;
    struct map index; /* user -> node */
    size_t max;
};

struct cache *cache_new(size_t max)
{
    struct cache *c = mem_zero(1, sizeof *c);
    c->head.prev = c->head.next = &c->head;
    c->max = max;
    map_init(&c->index);
    return c;
}

static struct users_mongo_doc *remove_node(struct cache *c, struct node *node)
{
    struct users_mongo_doc *doc = node->doc;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    map_remove(&c->index, node->user);
    free((char *)node->user.at);
    free(node);
    return doc;
}

void cache_clear(struct cache *c)
{
    while (c->head.next != &c->head) users_mongo_doc_free(remove_node(c, c->head.next));
}

void cache_free(struct cache *c)
{
    if (!c) return;
    cache_clear(c);
    map_finish(&c->index);
    free(c);
}

struct users_mongo_doc *cache_take(struct cache *c, struct str user)
{
    uint64_t *node = map_find(&c->index, user);
    return node ? remove_node(c, (struct node *)(uintptr_t)*node) : NULL;
}

void cache_put(struct cache *c, struct str user, struct users_mongo_doc *doc_take)
{
    users_mongo_doc_free(cache_take(c, user));
    if (c->index.n >= c->max) users_mongo_doc_free(remove_node(c, c->head.prev));
    struct node *node = mem_zero(1, sizeof *node);
    *node = (struct node){&c->head, c->head.next, {mem_dup(user.at, user.len), user.len}, doc_take};
    node->next->prev = node->prev->next = node;
    *map_put(&c->index, user, NULL) = (uintptr_t)node;
}
