#include "infer/contract_json.h"

#include <stdlib.h>

#include "base/json_bytes.h"
#include "base/mem.h"
#include "infer/json_reader.h"

enum {
    USERS_MAX = 256,
    ITEMS_MAX = 200,
    EXCLUDE_MAX = 1000,
    N_REC_MAX = 500,
    ID_MAX_BYTES = 256,
    DEPTH_MAX = 3,
};

enum member { USER, ITEM, EXCLUDE, N_REC, SCORES, RECONSUME, MEMBERS_N };

static const char *const member_names[MEMBERS_N] = {"user",  "item",   "exclude",
                                                    "n_rec", "scores", "reconsume"};

/* A body on its way into a request. */
struct reading {
    struct json_reader json;
    struct contract_json_request *r;
    size_t body_len, users_max;
    size_t ids_n, text_len; /* of the request's memory */
    bool has[MEMBERS_N];
    size_t n[MEMBERS_N]; /* users, or lists */
    const char *wrong;   /* with what is asked: the first */
};

static bool complain(struct reading *g, const char *wrong)
{
    if (!g->json.bad) g->wrong = wrong;
    g->json.bad = true;
    return false;
}

/* -- ids -- */

/* A string's text: in the body, or where it has escapes behind what r->text holds already. */
static bool read_text(struct reading *g, struct str *ret)
{
    bool escaped;
    if (!json_reader_string(&g->json, ret, &escaped)) return false;
    if (!escaped) return true;
    if (!g->r->text) g->r->text = mem_zero(g->body_len, 1);
    char *to = g->r->text + g->text_len;
    if (!json_reader_decode(*ret, to, &ret->len)) return complain(g, "the body is not JSON");
    ret->at = to;
    g->text_len += ret->len;
    return true;
}

static bool at_number(struct reading *g)
{
    char c = json_reader_peek(&g->json);
    return c == '-' || (c >= '0' && c <= '9');
}

static bool read_integer(struct reading *g, struct str *ret_text, int64_t *ret)
{
    bool integer;
    return at_number(g) && json_reader_number(&g->json, ret_text, &integer) && integer &&
           str_int64(*ret_text, ret);
}

/* Of an integer the text that it has in Weir: JSON's, but for -0. */
static bool read_id(struct reading *g, struct str *ret)
{
    int64_t value;
    if (json_reader_peek(&g->json) == '"')
        return read_text(g, ret) && ret->len > 0 && ret->len <= ID_MAX_BYTES && str_is_text(*ret);
    if (!read_integer(g, ret, &value)) return false;
    if (value == 0) *ret = str_of("0");
    g->r->integers = true;
    return true;
}

/* -- members -- */

static bool read_users(struct reading *g)
{
    if (!json_reader_take(&g->json, '[')) return complain(g, "user: want a list of ids");
    for (size_t i = 0; json_reader_more(&g->json, i, ']'); i++) {
        if (i == g->users_max) return complain(g, "user: at most 256");
        if (!read_id(g, &g->r->users[i].id))
            return complain(g, "user: want integers, or strings of 1 to 256 bytes of text");
        g->n[USER] = i + 1;
    }
    return true;
}

static bool read_list(struct reading *g, size_t max, struct str **ret_ids, size_t *ret_n)
{
    if (!json_reader_take(&g->json, '['))
        return complain(g, "item and exclude: want one list of ids for each user");
    *ret_ids = g->r->ids + g->ids_n;
    for (*ret_n = 0; json_reader_more(&g->json, *ret_n, ']'); ++*ret_n) {
        if (*ret_n == max)
            return complain(g, "item: at most 200 ids for each user; exclude: at most 1000");
        if (!read_id(g, &g->r->ids[g->ids_n++]))
            return complain(g, "ids: want integers, or strings of 1 to 256 bytes of text");
    }
    return true;
}

static bool read_lists(struct reading *g, enum member member)
{
    bool good = json_reader_take(&g->json, '[');
    for (size_t i = 0; good && json_reader_more(&g->json, i, ']'); i++) {
        good = i < g->users_max;
        if (!good) break;
        struct contract_json_user *u = &g->r->users[i];
        if (!(member == ITEM ? read_list(g, ITEMS_MAX, &u->items, &u->items_n)
                             : read_list(g, EXCLUDE_MAX, &u->exclude, &u->exclude_n)))
            return false;
        g->n[member] = i + 1;
    }
    return good || complain(g, "item and exclude: want one list of ids for each user");
}

static bool read_n_rec(struct reading *g)
{
    struct str text;
    int64_t n;
    if (!read_integer(g, &text, &n) || n < 1 || n > N_REC_MAX)
        return complain(g, "n_rec: want an integer from 1 to 500");
    g->r->n_rec = (int)n;
    return true;
}

static bool read_switch(struct reading *g, bool *ret)
{
    *ret = json_reader_peek(&g->json) == 't';
    if (!*ret && json_reader_peek(&g->json) != 'f')
        return complain(g, "scores and reconsume: want true or false");
    return json_reader_word(&g->json, *ret ? "true" : "false");
}

static bool read_value(struct reading *g, enum member member)
{
    switch (member) {
    case USER: return read_users(g);
    case ITEM:
    case EXCLUDE: return read_lists(g, member);
    case N_REC: return read_n_rec(g);
    case SCORES: return read_switch(g, &g->r->scores);
    case RECONSUME: return read_switch(g, &g->r->reconsume);
    case MEMBERS_N: break;
    }
    json_reader_skip(&g->json, DEPTH_MAX - 1);
    return true;
}

static bool read_member(struct reading *g)
{
    struct str name;
    enum member member = USER;
    if (!read_text(g, &name) || !json_reader_take(&g->json, ':'))
        return complain(g, "the body is not JSON");
    while (member < MEMBERS_N && !str_eq(name, str_of(member_names[member]))) member++;
    if (member < MEMBERS_N && g->has[member]) return complain(g, "a member is there twice");
    if (member < MEMBERS_N) g->has[member] = true;
    return read_value(g, member);
}

/* -- the whole -- */

static const char *what_is_missing(const struct reading *g)
{
    if (!g->has[N_REC]) return "n_rec: want an integer from 1 to 500";
    if (!g->has[USER]) return "user: want a list of ids";
    if (g->n[ITEM] != g->n[USER] || !g->has[ITEM])
        return "item: want one list of ids for each user";
    if (g->n[EXCLUDE] != g->n[USER] && g->has[EXCLUDE])
        return "exclude: want one list of ids for each user";
    return NULL;
}

static const char *read_all(struct reading *g)
{
    if (json_reader_peek(&g->json) && !json_reader_take(&g->json, '{')) return "want a JSON object";
    for (size_t i = 0; json_reader_more(&g->json, i, '}'); i++)
        if (!read_member(g)) break;
    if (g->wrong) return g->wrong;
    json_reader_peek(&g->json);
    if (g->json.bad || g->json.at < g->json.end) return "the body is not JSON";
    return what_is_missing(g);
}

bool contract_json_read(struct contract_json_request *r, struct str body, const char **ret_detail)
{
    size_t ids_max = body.len / 2 + 1; /* each is a character and a mark */
    struct reading g = {.json = {body.at, body.at + body.len, false},
                        .r = r,
                        .body_len = body.len,
                        .users_max = ids_max < USERS_MAX ? ids_max : USERS_MAX};
    *r = (struct contract_json_request){.users = mem_zero(g.users_max, sizeof r->users[0]),
                                        .ids = mem_zero(ids_max, sizeof r->ids[0])};
    *ret_detail = read_all(&g);
    r->users_n = g.n[USER];
    if (*ret_detail) contract_json_finish(r);
    return *ret_detail == NULL;
}

void contract_json_finish(struct contract_json_request *r)
{
    free(r->users);
    free(r->ids);
    free(r->text);
    *r = (struct contract_json_request){0};
}

void contract_json_detail(struct buf *out, const char *detail)
{
    buf_add_str(out, str_of("{\"detail\":"));
    json_bytes_str(out, str_of(detail));
    buf_add_str(out, str_of("}"));
}

void contract_json_id(struct buf *out, const struct contract_json_request *r, struct str id)
{
    if (r->integers)
        json_bytes_id(out, id);
    else
        json_bytes_str(out, id);
}
