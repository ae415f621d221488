#include "fate.h"

static struct {
    enum fate next, now;
    int64_t left;
} world;

void fate_set(enum fate fate, int64_t k)
{
    world.next = fate;
    world.now = FATE_NONE;
    world.left = k;
}

enum fate fate_ask(struct err *e)
{
    bool strikes = world.left > 0 && --world.left == 0;
    if (strikes) world.now = world.next;
    if (world.now == FATE_DEATH) {
        err_fenced(e, "the test has killed the process");
        return FATE_DEATH;
    }
    if (!strikes) return FATE_NONE;
    err_set(e, "the test lets this fail");
    return FATE_FAILURE;
}

bool fate_is(enum fate fate)
{
    return world.now == fate;
}

bool fate_pending(void)
{
    return world.left > 0;
}
