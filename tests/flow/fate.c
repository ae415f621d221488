#include "fate.h"

static struct {
    int64_t left;
    bool dead;
} fate;

void fate_set(int64_t k)
{
    fate.left = k;
    fate.dead = false;
}

bool fate_strikes(struct err *e)
{
    if (fate.left > 0 && --fate.left == 0) fate.dead = true;
    if (fate.dead) err_fenced(e, "the test has killed the process");
    return fate.dead;
}

bool fate_dead(void)
{
    return fate.dead;
}

bool fate_pending(void)
{
    return fate.left > 0;
}
