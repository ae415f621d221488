/* libinih splits the lines; its habits make it dangerous alone. As Debian builds it, it cuts a line at 200
 * bytes and takes the rest for another one, takes "abc ;def" as "abc" and an indented line as one more value
 * of the key before it, ignores what follows a "]", and tells the handler no line number. So it is fed by
 * our own reader, which counts lines and refuses every line that would not arrive as it was written. */
#include "base/config.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/pairs.h"
#include "base/secret.h"
#include "base/value.h"

/* A walk over all rows of all parts: start with {parts}, row is NULL before the first. */
struct walk {
    const struct config_part *part;
    const struct config_row *row;
};

static bool walk_next(struct walk *w)
{
    w->row = w->row ? w->row + 1 : w->part->rows;
    while (w->part->rows && !w->row->section) {
        w->part++;
        w->row = w->part->rows;
    }
    return w->part->rows != NULL;
}

static void *walk_field(const struct walk *w)
{
    return (char *)w->part->into + w->row->offset;
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Finds the row of exactly this name (NULL: the section's pairs). */
static bool find_exact(struct walk *w, const char *section, const char *name)
{
    while (walk_next(w))
        if (strcmp(w->row->section, section) == 0 && same_name(w->row->name, name)) return true;
    return false;
}

static bool find(struct walk *ret_w, const struct config_part *parts, const char *section,
                 const char *name)
{
    *ret_w = (struct walk){parts};
    if (find_exact(ret_w, section, name)) return true;
    *ret_w = (struct walk){parts};
    return find_exact(ret_w, section, NULL);
}

const struct config_row *config_find(const struct config_part *parts, const char *key)
{
    struct str name = str_of(key);
    struct str section = str_cut(&name, '.');
    if (!name.at) return NULL;
    for (struct walk w = {parts}; walk_next(&w);)
        if (w.row->name && str_eq(str_of(w.row->section), section) &&
            str_eq(str_of(w.row->name), name))
            return w.row;
    return NULL;
}

/* One assignment, and where it was written: "file:line: " or "-o ". */
struct setting {
    const char *where, *section, *name, *value;
    bool option;
};

enum { LIST_MAX_BYTES = 400 };

/* The names that would have been right: of the section, or the sections if there is no such one. */
static bool refuse_unknown(const struct config_part *parts, const struct setting *s, struct err *e)
{
    struct buf names, sections;
    buf_init(&names, LIST_MAX_BYTES);
    buf_init(&sections, LIST_MAX_BYTES);
    const char *last = "";
    for (struct walk w = {parts}; walk_next(&w);) {
        if (strcmp(w.row->section, s->section) == 0) buf_printf(&names, " %s", w.row->name);
        if (strcmp(w.row->section, last) != 0) buf_printf(&sections, " [%s]", w.row->section);
        last = w.row->section;
    }
    if (names.len)
        err_refuse(e, "%sunknown key \"%s\" in [%s], which has:%.*s", s->where, s->name, s->section,
                   STR_ARGS(buf_str(&names)));
    else
        err_refuse(e, "%sunknown section [%s]; there are:%.*s", s->where, s->section,
                   STR_ARGS(buf_str(&sections)));
    buf_finish(&names);
    buf_finish(&sections);
    return false;
}

static bool refuse_value(const struct config_row *row, const struct setting *s, struct err *e)
{
    struct buf expected;
    buf_init(&expected, LIST_MAX_BYTES);
    value_describe(row, &expected);
    if (str_is_text(str_of(s->value)))
        err_refuse(e, "%s%s.%s = \"%.80s\": expected %.*s", s->where, s->section, s->name, s->value,
                   STR_ARGS(buf_str(&expected)));
    else
        err_refuse(e, "%s%s.%s: not UTF-8 text without control characters", s->where, s->section,
                   s->name);
    buf_finish(&expected);
    return false;
}

static bool set(const struct config_part *parts, const struct setting *s, struct err *e)
{
    struct walk w;
    if (!find(&w, parts, s->section, s->name)) return refuse_unknown(parts, s, e);
    bool pairs = w.row->type == CONFIG_PAIRS;
    bool secret = w.row->type == CONFIG_SECRET || (pairs && pairs_secret(s->name));
    if (s->option && secret)
        return err_refuse(
            e,
            "-o %s.%s: everybody on this machine can read a command line: secrets come from "
            "files; write it into the configuration file",
            s->section, s->name);
    if (!pairs)
        return value_read(w.row, str_of(s->value), walk_field(&w)) || refuse_value(w.row, s, e);
    if (!s->name[0] || !str_is_text(str_of(s->name)))
        return err_refuse(e, "%s[%s]: a name that is empty, or no UTF-8 text", s->where,
                          s->section);
    if (!str_is_text(str_of(s->value))) return refuse_value(w.row, s, e);
    pairs_set(walk_field(&w), s->name, s->value);
    return true;
}

static void assert_unique(const struct config_part *parts, const struct config_row *row)
{
    int n = 0;
    for (struct walk w = {parts}; walk_next(&w);)
        n += strcmp(w.row->section, row->section) == 0 && same_name(w.row->name, row->name);
    assert(n == 1);
}

bool config_defaults(const struct config_part *parts, struct err *e)
{
    for (struct walk w = {parts}; walk_next(&w);) {
        assert_unique(parts, w.row);
        if (w.row->type == CONFIG_PAIRS) {
            *(struct config_pairs *)walk_field(&w) = (struct config_pairs){0};
            continue;
        }
        if (w.row->type == CONFIG_STR || w.row->type == CONFIG_SECRET)
            *(char **)walk_field(&w) = NULL;
        const char *text = w.row->fallback ? w.row->fallback : "";
        struct setting s = {"default ", w.row->section, w.row->name, text, false};
        if (!value_read(w.row, str_of(text), walk_field(&w))) return refuse_value(w.row, &s, e);
    }
    return true;
}

/* --- the file --- */

struct reader {
    const struct config_part *parts;
    const char *path;
    FILE *file;
    char *line; /* own */
    size_t cap;
    int line_n;
    struct map seen; /* "section.name" */
    struct err *e;
};

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

/* What is wrong with a line that holds something, or NULL. */
static const char *line_fault(const char *line, size_t len, size_t room)
{
    if (strlen(line) != len) return "holds a zero byte";
    if (len > room) return "is too long; give this value as -o section.key=value";
    if (space(line[0])) return "is indented; values cannot be continued";
    for (size_t i = 1; i < len; i++)
        if (line[i] == ';' && space(line[i - 1]))
            return "has a \";\" behind a space: comments stand on lines of their own; if it "
                   "belongs to the "
                   "value, give it as -o section.key=value";
    if (line[0] == '[')
        return strchr(line, ']') == line + len - 1 ? NULL : "should end with its only \"]\"";
    const char *equals = strpbrk(line, "=:");
    return equals && *equals == '=' ? NULL : "is neither [section] nor key = value";
}

/* The fgets of inih: the next line, without its end; comments arrive empty. */
static char *next_line(char *into, int size, void *user)
{
    struct reader *r = user;
    if (r->e->status) return NULL;
    ssize_t got = getline(&r->line, &r->cap, r->file);
    if (got < 0 && !feof(r->file)) err_refuse(r->e, "%s: %s", r->path, strerror(errno));
    if (got < 0) return NULL;
    r->line_n++;
    size_t len = (size_t)got, start = 0;
    while (len && (r->line[len - 1] == '\n' || space(r->line[len - 1]))) r->line[--len] = '\0';
    while (start < len && space(r->line[start])) start++;
    into[0] = '\0';
    if (start == len || r->line[start] == '#' || r->line[start] == ';') return into;
    const char *fault = line_fault(r->line, len, (size_t)size - 1);
    if (fault) {
        err_refuse(r->e, "%s:%d: this line %s", r->path, r->line_n, fault);
        return NULL;
    }
    memcpy(into, r->line, len + 1);
    return into;
}

static bool first_time(struct reader *r, const char *section, const char *name)
{
    char *key = mem_printf("%s.%s", section, name);
    bool is_new;
    map_put(&r->seen, str_of(key), &is_new);
    free(key);
    return is_new;
}

/* The handler of inih: 1 = go on. */
static int take_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;
    char *where = mem_printf("%s:%d: ", r->path, r->line_n);
    struct setting s = {where, section, name, value, false};
    if (!section[0])
        err_refuse(r->e, "%s\"%s\" stands before the first [section]", where, name);
    else if (!first_time(r, section, name))
        err_refuse(r->e, "%s%s.%s is there twice", where, section, name);
    else if (!set(r->parts, &s, r->e))
        assert(r->e->status);
    free(where);
    return r->e->status == ERR_NONE;
}

bool config_file(const struct config_part *parts, const char *path, struct err *e)
{
    assert(e->status == ERR_NONE);
    struct reader r = {.parts = parts, .path = path, .file = fopen(path, "re"), .e = e};
    if (!r.file) return err_refuse(e, "%s: %s", path, strerror(errno));
    map_init(&r.seen);
    int bad_line = ini_parse_stream(next_line, &r, take_pair, &r);
    if (bad_line) err_refuse(e, "%s:%d: malformed line", path, bad_line);
    map_finish(&r.seen);
    if (r.line) explicit_bzero(r.line, r.cap);
    free(r.line);
    fclose(r.file);
    return e->status == ERR_NONE;
}

/* --- options, secrets, output --- */

bool config_option(const struct config_part *parts, const char *option, struct err *e)
{
    char *text = mem_dup(option, strlen(option));
    char *name = strchr(text, '.'), *value = strchr(text, '=');
    bool good = name && value && name > text && name + 1 < value;
    if (good) {
        *name++ = '\0';
        *value++ = '\0';
        struct setting s = {"-o ", text, name, value, true};
        good = set(parts, &s, e);
    } else {
        err_refuse(e, "-o %.*s: expected section.key=value", (int)strcspn(option, "="), option);
    }
    secret_free(text);
    return good;
}

bool config_resolve(const struct config_part *parts, struct err *e)
{
    for (struct walk w = {parts}; walk_next(&w);) {
        char **field = walk_field(&w);
        if (w.row->type != CONFIG_SECRET || !**field) continue;
        struct err why = {0};
        char *secret = secret_read(*field, &why);
        if (!secret) return err_refuse(e, "%s.%s: %s", w.row->section, w.row->name, why.text);
        free(*field);
        *field = secret;
    }
    return true;
}

void config_warn(const struct config_part *parts, FILE *out)
{
    for (struct walk w = {parts}; walk_next(&w);) {
        if (w.row->type != CONFIG_SECRET) continue;
        const char *path = *(char **)walk_field(&w);
        if (*path && secret_exposed(path))
            fprintf(out, "# warning: everybody can read %s (%s.%s)\n", path, w.row->section,
                    w.row->name);
    }
}

typedef void print_row(const struct walk *w, FILE *out);

static bool section_is_new(const struct config_part *parts, const struct walk *here)
{
    struct walk w = {parts};
    while (walk_next(&w) && strcmp(w.row->section, here->row->section) != 0) continue;
    return w.row == here->row;
}

/* Sections in the order of their first rows, each once, with the rows of all parts. */
static void print_sections(const struct config_part *parts, print_row *print, FILE *out)
{
    const char *gap = "";
    for (struct walk first = {parts}; walk_next(&first);) {
        if (!section_is_new(parts, &first)) continue;
        fprintf(out, "%s[%s]\n", gap, first.row->section);
        for (struct walk w = {parts}; walk_next(&w);)
            if (strcmp(w.row->section, first.row->section) == 0) print(&w, out);
        gap = "\n";
    }
}

/* A ";" behind a space would not be read back. */
static void print_line(const char *name, struct str value, FILE *out)
{
    bool semicolon = value.len && value.at[0] == ';';
    fprintf(out, "%s =%s%.*s\n", name, semicolon ? "" : " ", STR_ARGS(value));
}

static void print_pairs(const struct config_pairs *pairs, FILE *out)
{
    for (size_t i = 0; i < pairs->n; i++) {
        const struct config_pair *p = &pairs->at[i];
        print_line(p->name, str_of(pairs_secret(p->name) ? "****" : p->value), out);
    }
}

static void print_value(const struct walk *w, FILE *out)
{
    if (w->row->type == CONFIG_PAIRS) {
        print_pairs(walk_field(w), out);
        return;
    }
    struct buf text;
    buf_init(&text, SIZE_MAX);
    value_write(w->row, walk_field(w), &text);
    print_line(w->row->name, buf_str(&text), out);
    buf_finish(&text);
}

static void print_help(const struct walk *w, FILE *out)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    value_describe(w->row, &text);
    fprintf(out, "# %s\n# (%.*s)\n", w->row->help, STR_ARGS(buf_str(&text)));
    if (w->row->name)
        fprintf(out, "#%s = %s\n", w->row->name, w->row->fallback ? w->row->fallback : "");
    buf_finish(&text);
}

void config_print(const struct config_part *parts, FILE *out)
{
    print_sections(parts, print_value, out);
}

void config_help(const struct config_part *parts, FILE *out)
{
    print_sections(parts, print_help, out);
}

void config_free(const struct config_part *parts)
{
    for (struct walk w = {parts}; walk_next(&w);) {
        if (w.row->type == CONFIG_PAIRS)
            pairs_finish(walk_field(&w));
        else
            value_free(w.row, walk_field(&w));
    }
}
