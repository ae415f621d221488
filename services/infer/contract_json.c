#include "infer/contract_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_bytes.h"
#include "base/mem.h"

enum {
    USERS_MAX = 256,
    ITEMS_MAX = 200,
    EXCLUDE_MAX = 1000,
    N_REC_MAX = 500,
    ID_MAX_BYTES = 256,
    DEPTH_MAX = 3,
    VALUES_MAX = 1 << 15, /* of one body of 64 KiB */
};

/* Copies an id's text behind what r has already; it is never longer than its JSON. len 0 = not
 * an id. */
static struct str read_id(struct contract_json_request *r, const json_t *value, size_t *text_len)
{
    struct str id = {r->text + *text_len, 0};
    if (json_is_integer(value)) {
        r->integers = true;
        id.len = (size_t)sprintf(r->text + *text_len, "%" JSON_INTEGER_FORMAT,
                                 json_integer_value(value));
    } else if (json_is_string(value) && json_string_length(value) <= ID_MAX_BYTES) {
        id.len = json_string_length(value);
        memcpy(r->text + *text_len, json_string_value(value), id.len);
        if (!str_is_text(id)) id.len = 0;
    }
    *text_len += id.len;
    return id;
}

static const char *read_list(struct contract_json_request *r, const json_t *list, size_t max,
                             size_t *text_len, struct str **ret_ids, size_t *ret_n)
{
    if (!json_is_array(list)) return "item and exclude: want one list of ids for each user";
    size_t n = json_array_size(list);
    if (n > max) return "item: at most 200 ids for each user; exclude: at most 1000";
    *ret_ids = mem_zero(n, sizeof **ret_ids);
    *ret_n = n;
    for (size_t i = 0; i < n; i++) {
        (*ret_ids)[i] = read_id(r, json_array_get(list, i), text_len);
        if ((*ret_ids)[i].len == 0)
            return "ids: want integers, or strings of 1 to 256 bytes of text";
    }
    return NULL;
}

static const char *read_users(struct contract_json_request *r, const json_t *root, size_t *text_len)
{
    const json_t *users = json_object_get(root, "user");
    if (!json_is_array(users)) return "user: want a list of ids";
    if (json_array_size(users) > USERS_MAX) return "user: at most 256";
    r->users_n = json_array_size(users);
    r->users = mem_zero(r->users_n, sizeof r->users[0]);
    for (size_t i = 0; i < r->users_n; i++) {
        r->users[i].id = read_id(r, json_array_get(users, i), text_len);
        if (r->users[i].id.len == 0)
            return "user: want integers, or strings of 1 to 256 bytes of text";
    }
    return NULL;
}

static const char *read_items(struct contract_json_request *r, const json_t *root, size_t *text_len)
{
    const json_t *items = json_object_get(root, "item"),
                 *exclude = json_object_get(root, "exclude");
    if (!json_is_array(items) || json_array_size(items) != r->users_n)
        return "item: want one list of ids for each user";
    if (exclude && (!json_is_array(exclude) || json_array_size(exclude) != r->users_n))
        return "exclude: want one list of ids for each user";
    const char *wrong = NULL;
    for (size_t i = 0; i < r->users_n && !wrong; i++) {
        struct contract_json_user *u = &r->users[i];
        wrong = read_list(r, json_array_get(items, i), ITEMS_MAX, text_len, &u->items, &u->items_n);
        if (!wrong && exclude)
            wrong = read_list(r, json_array_get(exclude, i), EXCLUDE_MAX, text_len, &u->exclude,
                              &u->exclude_n);
    }
    return wrong;
}

static bool read_switch(const json_t *root, const char *name, bool *ret)
{
    const json_t *value = json_object_get(root, name);
    *ret = json_is_true(value);
    return !value || json_is_boolean(value);
}

static const char *read_all(struct contract_json_request *r, const json_t *root)
{
    if (!json_is_object(root)) return "want a JSON object";
    const json_t *n_rec = json_object_get(root, "n_rec");
    if (!json_is_integer(n_rec) || json_integer_value(n_rec) < 1 ||
        json_integer_value(n_rec) > N_REC_MAX)
        return "n_rec: want an integer from 1 to 500";
    r->n_rec = (int)json_integer_value(n_rec);
    if (!read_switch(root, "scores", &r->scores) || !read_switch(root, "reconsume", &r->reconsume))
        return "scores and reconsume: want true or false";
    size_t text_len = 0;
    const char *wrong = read_users(r, root, &text_len);
    return wrong ? wrong : read_items(r, root, &text_len);
}

bool contract_json_read(struct contract_json_request *r, struct str body, const char **ret_detail)
{
    *r = (struct contract_json_request){0};
    *ret_detail = "the body is nested too deeply or has too many values";
    if (!json_bytes_bounded(body, DEPTH_MAX, VALUES_MAX)) return false;
    *ret_detail = "the body is not JSON";
    json_t *root = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!root) return false;
    r->text = mem_zero(body.len + 1, 1);
    *ret_detail = read_all(r, root);
    json_decref(root);
    if (*ret_detail) contract_json_finish(r);
    return *ret_detail == NULL;
}

void contract_json_finish(struct contract_json_request *r)
{
    for (size_t i = 0; r->users && i < r->users_n; i++) {
        free(r->users[i].items);
        free(r->users[i].exclude);
    }
    free(r->users);
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
