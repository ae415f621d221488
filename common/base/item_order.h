/* The order of ids among equals: decimal ids (0|[1-9][0-9]*) by value, before all others by bytes. */
#ifndef WEIR_BASE_ITEM_ORDER_H
#define WEIR_BASE_ITEM_ORDER_H

#include "base/str.h"

/* item_order_cmp is < 0 when a comes before b. Total: 0 only for equal ids. */
int item_order_cmp(struct str a, struct str b);

#endif
