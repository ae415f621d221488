/* The shape of the model "ddpg". */
#ifndef WEIR_SERVICES_DDPG_H
#define WEIR_SERVICES_DDPG_H

enum {
    DDPG_HISTORY = 10, /* items; the newest ones */
    DDPG_OUT = 32,     /* an embedding */
    DDPG_IN = (1 + DDPG_HISTORY) * DDPG_OUT,
    DDPG_HIDDEN = 64,
    DDPG_FLOATS = (DDPG_IN + 1) * DDPG_HIDDEN + (DDPG_HIDDEN + 1) * DDPG_HIDDEN +
                  (DDPG_HIDDEN + 1) * DDPG_OUT,
};

#endif
