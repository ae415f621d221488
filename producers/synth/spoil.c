#include "synth/spoil.h"

int64_t spoil_time(const struct spoil_conf *conf, struct dice *dice, int64_t now_ms)
{
    double u = dice_unit(dice);
    int64_t most = u < conf->late                    ? conf->late_ms
                   : u < conf->late + conf->disorder ? conf->disorder_ms
                                                     : 0;
    return most ? now_ms - (int64_t)dice_below(dice, (uint64_t)most + 1) : now_ms;
}

void spoil_row(struct buf *out, struct dice *dice, const struct crowd_act *act)
{
    long long user = act->user, item = act->item, seconds = act->time_ms / 1000;
    switch (dice_below(dice, 9)) {
    case 0: buf_printf(out, "%lld,%lld,pv,%lld\n", user, item, seconds); break; /* a column short */
    case 1:
        buf_printf(out, "%lld,%lld,7,pv,%lld,more\n", user, item, seconds);
        break;                                                                /* one too many */
    case 2: buf_printf(out, "%lld,%lld,7,pv,yesterday\n", user, item); break; /* no time */
    case 3: buf_printf(out, ",%lld,7,pv,%lld\n", item, seconds); break;       /* no user */
    case 4: buf_printf(out, "%lld,,7,pv,%lld\n", user, seconds); break;       /* no item */
    case 5: buf_printf(out, "%lld,%lld,7,pv,0\n", user, item); break;         /* 1970 */
    case 6:
        buf_printf(out, "%lld,%lld,7,pv,99999999999999999999\n", user, item);
        break;                                                                  /* overflow */
    case 7: buf_printf(out, "%lld,\xff\xfe,7,pv,%lld\n", user, seconds); break; /* no UTF-8 */
    case 8: buf_add(out, "\n", 1); break;                                       /* empty */
    }
}
