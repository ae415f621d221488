#include "base/item_order.h"

static bool decimal(struct str s)
{
    if (s.len == 0 || (s.at[0] == '0' && s.len > 1)) return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9') return false;
    return true;
}

int item_order_cmp(struct str a, struct str b)
{
    bool a_decimal = decimal(a), b_decimal = decimal(b);
    if (a_decimal != b_decimal) return a_decimal ? -1 : 1;
    if (a_decimal && a.len != b.len) return a.len < b.len ? -1 : 1; /* without leading zeros */
    return str_cmp(a, b);
}
