/* CSV rows against a decoder that is written as decode.h tells it, one byte at a time. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/window.h"
#include "fuzz.h"
#include "io/decode.h"

enum { TIMESTAMP_MS = 2000000000, CONFS = 3, BROKER_TIME = 4 };

static const struct decode_conf confs[CONFS] = {
    {DECODE_CSV, "user,item,category,behavior,time", ",", DECODE_S, 0, INT64_C(4102444800000), 0},
    {DECODE_CSV, "time,-,item,note,user", "\\t", DECODE_MS, -WINDOW_TIME_MAX_MS, WINDOW_TIME_MAX_MS,
     3600000},
    {DECODE_CSV, "user,item,time", ";", DECODE_US, -1000, 1000, 0},
};

static const struct decode_conf *conf;
static struct decoder *decoder;
static struct record record = {.partition = 3, .offset = 7, .timestamp_ms = TIMESTAMP_MS};

/* --- the naive one -------------------------------------------------------------------------------------- */

/* The length of the character at the front, 0 if it is none or a control character. */
static size_t char_len(struct str s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s.at[0];
    size_t n = first < 0x80       ? 1
               : first >> 5 == 6  ? 2
               : first >> 4 == 14 ? 3
               : first >> 3 == 30 ? 4
                                  : 0;
    if (n == 0 || n > s.len) return 0;
    uint32_t code = n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s.at[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | ((unsigned char)s.at[i] & 0x3f);
    }
    bool good = code >= least[n] && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    return good && code >= 0x20 && !(code >= 0x7f && code <= 0x9f) ? n : 0;
}

static bool is_text(struct str s)
{
    for (size_t n; s.len; s.at += n, s.len -= n)
        if (!(n = char_len(s))) return false;
    return true;
}

static bool is_id(struct str s)
{
    return s.len >= 1 && s.len <= 256 && is_text(s);
}

static enum decode_verdict time_of(struct str s, int64_t *ret_ms)
{
    bool minus = s.len && s.at[0] == '-';
    __int128 value = 0, ms;
    if (s.len == (size_t)minus) return DECODE_TIME;
    for (size_t i = minus; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9') return DECODE_TIME;
        if (value < (__int128)1 << 100) value = value * 10 + (s.at[i] - '0');
    }
    if (minus) value = -value;
    if (value > INT64_MAX || value < INT64_MIN) return DECODE_TIME;
    ms = conf->time_unit == DECODE_S ? value * 1000 : value;
    if (conf->time_unit == DECODE_US) ms = (value - (value % 1000 + 1000) % 1000) / 1000;
    if (ms < conf->time_min_ms || ms > conf->time_max_ms) return DECODE_RANGE;
    if (record.log_append && ms > (__int128)TIMESTAMP_MS + conf->max_ahead_ms) return DECODE_AHEAD;
    *ret_ms = (int64_t)ms;
    return DECODE_GOOD;
}

static struct str field_at(struct str row, char separator, int column)
{
    size_t start = 0, end;
    for (; column; start++) column -= row.at[start] == separator;
    for (end = start; end < row.len && row.at[end] != separator; end++) continue;
    return (struct str){row.at + start, end - start};
}

static int separators(struct str row, char separator)
{
    int n = 0;
    for (size_t i = 0; i < row.len; i++) n += row.at[i] == separator;
    return n;
}

static enum decode_verdict naive(struct str row, int64_t *ret_ms)
{
    const struct columns *c = decode_columns(decoder);
    char separator = conf->separator[0] == '\\' ? '\t' : conf->separator[0];
    if (row.len && row.at[row.len - 1] == '\r') row.len--;
    if (row.len == 0) return DECODE_EMPTY;
    if (row.len > DECODE_ROW_MAX_BYTES) return DECODE_LONG;
    if (separators(row, separator) != c->n - 1) return DECODE_COLUMNS;
    if (!is_id(field_at(row, separator, c->user))) return DECODE_USER;
    if (!is_id(field_at(row, separator, c->item))) return DECODE_ITEM;
    for (int i = 0; i < c->n; i++) {
        struct str field = field_at(row, separator, i);
        bool any = strcmp(c->names[i], "-") == 0 || i == c->user || i == c->item || i == c->time;
        if (!any && (field.len > DECODE_FIELD_MAX_BYTES || !is_text(field))) return DECODE_FIELD;
    }
    return time_of(field_at(row, separator, c->time), ret_ms);
}

/* --- both ----------------------------------------------------------------------------------------------- */

static void compare(struct str row, int32_t index)
{
    struct event event;
    int64_t ms = 0;
    enum decode_verdict verdict = decode_row(decoder, &record, row, index, &event);
    assert(verdict == naive(row, &ms));
    if (verdict != DECODE_GOOD) return;
    const struct columns *c = decode_columns(decoder);
    char separator = conf->separator[0] == '\\' ? '\t' : conf->separator[0];
    if (row.at[row.len - 1] == '\r') row.len--;
    assert(event.time_ms == ms && event.position.row == index && event.position.offset == 7);
    assert(str_eq(event.user, field_at(row, separator, c->user)));
    assert(str_eq(event.item, field_at(row, separator, c->item)));
    assert(!event.behavior.at == (c->behavior < 0));
    for (int i = 0; i < c->n; i++) assert(str_eq(event.fields[i], field_at(row, separator, i)));
}

/* The first byte chooses the configuration, the rest is a record's value. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    static struct decoder *decoders[CONFS];
    struct fuzz f = {at, n};
    struct err e = {0};
    uint64_t choice = fuzz_take(&f, 1);
    conf = &confs[choice % CONFS];
    record.log_append = choice & BROKER_TIME;
    if (!decoders[choice % CONFS]) decoders[choice % CONFS] = decode_new(conf, &e);
    decoder = decoders[choice % CONFS];
    char *value = fuzz_exact(fuzz_rest(&f), false);
    struct str rest = {value, f.n}, row;
    size_t start = 0;
    for (int32_t index = -1; decode_next_row(&rest, &row, &index);) {
        size_t end = start;
        while (end < f.n && value[end] != '\n') end++;
        assert(row.len == end - start && row.at == value + start);
        compare(row, index);
        start = end + 1;
    }
    assert(start >= f.n);
    free(value);
    return 0;
}
