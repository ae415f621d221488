#include "script.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static const char *cases(void)
{
    static char path[400];
    const char *source = getenv("WEIR_SOURCE");
    snprintf(path, sizeof path, "%s/tests/flow/cases", source ? source : ".");
    return path;
}

static int is_case(const struct dirent *entry)
{
    return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

char **script_dirs(void)
{
    struct dirent **found;
    int n = scandir(cases(), &found, is_case, alphasort);
    assert_true(n > 0);
    char **names = mem_zero((size_t)n + 1, sizeof names[0]);
    for (int i = 0; i < n; i++) {
        names[i] = mem_dup(found[i]->d_name, strlen(found[i]->d_name));
        free(found[i]);
    }
    free(found);
    return names;
}

/* --- lines ---------------------------------------------------------------------------------------------- */

static enum script_what action_of(struct str line)
{
    static const char *const words[] = {
        [SCRIPT_NOTHING] = "-",     [SCRIPT_COMMIT] = "!commit", [SCRIPT_IDLE] = "!idle",
        [SCRIPT_KILL] = "!kill",    [SCRIPT_REVOKE] = "!revoke", [SCRIPT_ABORT] = "!abort",
        [SCRIPT_FORGET] = "!forget"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i] && str_eq(line, str_of(words[i]))) return (enum script_what)i;
    if (line.len && line.at[0] == '!') fail_msg("unknown action %.*s", STR_ARGS(line));
    return SCRIPT_RECORD;
}

/* "@1000 value": takes the timestamp off. */
static void take_timestamp(struct record *r)
{
    if (!r->value.len || r->value.at[0] != '@') return;
    struct str time = str_cut(&r->value, ' ');
    time.at++;
    time.len--;
    assert_true(str_int64(time, &r->timestamp_ms));
    r->log_append = true;
}

static struct str unescape(struct str s)
{
    char *text = mem_zero(1, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool newline = i + 1 < s.len && s.at[i] == '\\' && s.at[i + 1] == 'n';
        text[n++] = newline ? '\n' : s.at[i];
        i += newline;
    }
    return (struct str){text, n};
}

static void add_line(struct script_partition *p, int32_t id, struct str text)
{
    struct script_line line = {action_of(text),
                               {.partition = id, .timestamp_ms = -1, .value = text}};
    if (text.len && text.at[0] == '#') return;
    take_timestamp(&line.record);
    line.record.value = unescape(line.record.value);
    p->lines = mem_grow(p->lines, p->n, &p->cap, sizeof p->lines[0]);
    p->lines[p->n++] = line;
}

static bool load(struct script *s, int32_t id)
{
    char path[600], *text = NULL;
    size_t cap = 0;
    snprintf(path, sizeof path, "%s/%d.csv", s->dir, id);
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    for (ssize_t n; (n = getline(&text, &cap, f)) > 0;)
        add_line(&s->partitions[id], id, (struct str){text, (size_t)n - (text[n - 1] == '\n')});
    free(text);
    fclose(f);
    if (s->partitions[id].n > s->turn_n) s->turn_n = s->partitions[id].n;
    return true;
}

void script_load(struct script *s, const char *name)
{
    memset(s, 0, sizeof *s);
    snprintf(s->dir, sizeof s->dir, "%s/%s", cases(), name);
    while (s->partition_n < (int32_t)COUNT_OF(s->partitions) && load(s, s->partition_n))
        s->partition_n++;
    if (!s->partition_n) fail_msg("%s/0.csv is missing", s->dir);
}

void script_free(struct script *s)
{
    for (int32_t i = 0; i < s->partition_n; i++) {
        struct script_partition *p = &s->partitions[i];
        for (size_t j = 0; j < p->n; j++) free((char *)p->lines[j].record.value.at);
        free(p->lines);
    }
}

const struct script_line *script_line(const struct script *s, size_t turn, int32_t partition)
{
    static const struct script_line nothing;
    const struct script_partition *p = &s->partitions[partition];
    return turn < p->n ? &p->lines[turn] : &nothing;
}

/* --- conf ------------------------------------------------------------------------------------------------- */

static void apply(const char *path, const struct config_part *parts)
{
    struct err e = {0};
    char *line = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s is missing", path);
    while (getline(&line, &cap, f) > 0) {
        struct str value = str_of(line), key;
        if (value.len && value.at[value.len - 1] == '\n') value.len--;
        if (!value.len || value.at[0] == '#') continue;
        key = str_trim(str_cut(&value, '='));
        value = str_trim(value);
        char *option = mem_printf("%.*s=%.*s", STR_ARGS(key), STR_ARGS(value));
        if (!config_option(parts, option, &e)) fail_msg("%s: %s", path, e.text);
        free(option);
    }
    free(line);
    fclose(f);
}

void script_conf(const struct script *s, const struct config_part *parts)
{
    char path[600];
    struct err e = {0};
    if (!config_defaults(parts, &e)) fail_msg("%s", e.text);
    snprintf(path, sizeof path, "%s/../conf", s->dir);
    apply(path, parts);
    snprintf(path, sizeof path, "%s/conf", s->dir);
    apply(path, parts);
}

/* --- what came out ------------------------------------------------------------------------------------------ */

bool script_expects(const struct script *s, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/out/%s", s->dir, name);
    return access(path, F_OK) == 0;
}

static bool same(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s is missing: see tests/flow/expect", path);
    char *expected = mem_zero(1, len + 2);
    size_t n = fread(expected, 1, len + 1, f);
    fclose(f);
    bool equal = n == len && memcmp(expected, text, len) == 0;
    free(expected);
    return equal;
}

static void show_difference(const char *path, const char *text, size_t len)
{
    char *command = mem_printf("diff -u --label expected --label found '%s' -", path);
    fflush(stdout);
    FILE *diff = popen(command, "w");
    free(command);
    if (!diff) return;
    fwrite(text, 1, len, diff);
    pclose(diff);
}

void script_compare(const struct script *s, const char *name, const char *when, script_write *write,
                    void *ctx)
{
    char path[600], *text = NULL;
    size_t len = 0;
    snprintf(path, sizeof path, "%s/out/%s", s->dir, name);
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    write(ctx, out);
    fclose(out);
    bool equal = same(path, text, len);
    if (!equal) show_difference(path, text, len);
    free(text);
    if (!equal) fail_msg("%s, %s: see the difference above", path, when);
}
