#include "base/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/mem.h"

enum { OWN = 256, HELP, VERSION }; /* what getopt_long returns; ours are OWN for all */

static const struct option common[] = {
    {"config", required_argument, NULL, 'c'}, {"option", required_argument, NULL, 'o'},
    {"test", no_argument, NULL, 't'},         {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
};

static const struct config_row *key_row(const struct options_spec *spec,
                                        const struct options_row *row)
{
    const struct config_row *key = config_find(spec->parts, row->key);
    assert(key && key->type != CONFIG_SECRET);
    return key;
}

static size_t own_n(const struct options_spec *spec)
{
    size_t n = 0;
    while (spec->rows && spec->rows[n].name) n++;
    return n;
}

/* getopt's table: the program's own options first, so that its index is the index of the row. */
static struct option *option_table(const struct options_spec *spec)
{
    size_t n = own_n(spec);
    struct option *table = mem_zero(n + COUNT_OF(common) + 1, sizeof table[0]);
    for (size_t i = 0; i < n; i++) {
        bool flag = key_row(spec, &spec->rows[i])->type == CONFIG_BOOL;
        table[i] =
            (struct option){spec->rows[i].name, flag ? no_argument : required_argument, NULL, OWN};
    }
    memcpy(table + n, common, sizeof common);
    return table;
}

static const char *metavar(const struct config_row *key)
{
    switch (key->type) {
    case CONFIG_INT: return " N";
    case CONFIG_DURATION: return " DURATION";
    case CONFIG_BYTES: return " SIZE";
    case CONFIG_TIME: return " TIME";
    case CONFIG_BOOL: return "";
    default: return " TEXT";
    }
}

static void print_option(const struct options_row *row, const struct config_row *key)
{
    bool choice = key->type == CONFIG_CHOICE;
    char *left =
        mem_printf("--%s%s%s", row->name, choice ? " " : metavar(key), choice ? key->choices : "");
    printf("  %-28s %s", left, key->help);
    if (key->type != CONFIG_BOOL && key->fallback && key->fallback[0])
        printf(" (%s)", key->fallback);
    printf("\n");
    free(left);
}

static void print_help(const struct options_spec *spec)
{
    printf("usage: %s [options]%s%s\n%s\n\n", spec->name, spec->arguments ? " " : "",
           spec->arguments ? spec->arguments : "", spec->purpose);
    for (size_t i = 0; i < own_n(spec); i++)
        print_option(&spec->rows[i], key_row(spec, &spec->rows[i]));
    printf("  -c, --config FILE            read a configuration file\n"
           "  -o section.key=value         set one key; repeatable, stronger than the file\n"
           "  -t, --test                   check, print the effective configuration, exit\n"
           "  --help, --version\n\n"
           "The configuration file, with its defaults:\n\n");
    config_help(spec->parts, stdout);
}

/* The command line as it was given, to be applied once the file has been read. */
struct line {
    const char *file;
    bool test, help, version;
    char **settings; /* own; "section.key=value", own */
    size_t n, cap;
};

static void add_setting(struct line *line, char *setting)
{
    line->settings = mem_grow(line->settings, line->n, &line->cap, sizeof line->settings[0]);
    line->settings[line->n++] = setting;
}

static void add_own(struct line *line, const struct options_spec *spec, int index)
{
    const struct options_row *row = &spec->rows[index];
    bool flag = key_row(spec, row)->type == CONFIG_BOOL;
    add_setting(line, mem_printf("%s=%s", row->key, flag ? "yes" : optarg));
}

static bool take(struct line *line, const struct options_spec *spec, int option, int index,
                 struct err *e)
{
    switch (option) {
    case OWN: add_own(line, spec, index); return true;
    case 'o': add_setting(line, mem_dup(optarg, strlen(optarg))); return true;
    case 't': line->test = true; return true;
    case HELP: line->help = true; return true;
    case VERSION: line->version = true; return true;
    case 'c':
        if (line->file) return err_refuse(e, "-c: one configuration file only");
        line->file = optarg;
        return true;
    }
    return true;
}

static bool read_line(struct line *line, const struct options_spec *spec, int argc, char **argv,
                      struct err *e)
{
    struct option *table = option_table(spec);
    int option, index = 0;
    bool good = true;
    optind = 0; /* start afresh */
    while (good && !line->help && !line->version &&
           (option = getopt_long(argc, argv, ":c:o:t", table, &index)) != -1) {
        const char *given = argv[optind > 1 ? optind - 1 : 1];
        if (option == ':')
            good = err_refuse(e, "%s: its value is missing", given);
        else if (option == '?')
            good = err_refuse(e, "%s: no such option; try %s --help", given, spec->name);
        else
            good = take(line, spec, option, index, e);
    }
    free(table);
    if (good && optind < argc && !spec->arguments && !line->help)
        good = err_refuse(e, "\"%s\": takes no arguments; try %s --help", argv[optind], spec->name);
    return good;
}

static bool apply(const struct line *line, const struct options_spec *spec, struct err *e)
{
    const struct config_part *parts = spec->parts;
    if (!config_defaults(parts, e)) return false;
    if (line->file && !config_file(parts, line->file, e)) return false;
    for (size_t i = 0; i < line->n; i++)
        if (!config_option(parts, line->settings[i], e)) return false;
    if (line->test) config_warn(parts, stdout);
    return config_resolve(parts, e) && (!spec->check || spec->check(spec->check_ctx, e));
}

static void forget(struct line *line)
{
    for (size_t i = 0; i < line->n; i++) free(line->settings[i]);
    free(line->settings);
}

int options_read(const struct options_spec *spec, int argc, char **argv)
{
    prctl(PR_SET_DUMPABLE, 0); /* a core would hold passwords */
    struct err e = {0};
    struct line line = {0};
    bool good = read_line(&line, spec, argc, argv, &e);
    if (good && line.help)
        print_help(spec);
    else if (good && line.version)
        printf("%s %s\n", spec->name, WEIR_VERSION);
    else
        good = good && apply(&line, spec, &e);
    forget(&line);
    if (!good) options_fail(spec->name, &e);
    if (line.help || line.version) exit(0);
    if (!line.test) return optind;
    config_print(spec->parts, stdout);
    config_free(spec->parts);
    exit(0);
}

void options_fail(const char *name, const struct err *e)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", name, e->text);
    exit(e->status ? (int)e->status : ERR_FAILED);
}
