/* Command lines, each in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "base/options.h"

struct conf {
    char *columns;
    int64_t rate, from_ms;
    bool dry_run;
    int format;
};

static const struct config_row rows[] = {
    {"record", "columns", CONFIG_STR, "a,b", "the columns", offsetof(struct conf, columns)},
    {"record", "format", CONFIG_CHOICE, "csv", "the format", offsetof(struct conf, format),
     .choices = "csv|json"},
    {"replay", "rate", CONFIG_INT, "10", "rows a second", offsetof(struct conf, rate), .max = 1000},
    {"replay", "from", CONFIG_TIME, "0", "the first time", offsetof(struct conf, from_ms)},
    {"replay", "dry_run", CONFIG_BOOL, "no", "only look", offsetof(struct conf, dry_run)},
    {0},
};

static const struct options_row options[] = {
    {"columns", "record.columns"}, {"format", "record.format"},   {"rate", "replay.rate"},
    {"from", "replay.from"},       {"dry-run", "replay.dry_run"}, {0},
};

static bool check(void *check_ctx, struct err *e)
{
    const struct conf *conf = check_ctx;
    return conf->rate != 13 || err_refuse(e, "rate 13 is unlucky");
}

/* What a program with these options does: prints what it has got. */
static void program(int argc, char **argv)
{
    struct conf conf;
    const struct config_part parts[] = {{rows, &conf}, {0}};
    int first = options_read(
        &(struct options_spec){.name = "weir-x",
                               .purpose = "tests options",
                               .arguments = argc > 1 && argv[1][0] == 'F' ? "FILE" : NULL,
                               .rows = options,
                               .parts = parts,
                               .check = check,
                               .check_ctx = &conf},
        argc, argv);
    printf("%s %d %lld %lld %d", conf.columns, conf.format, (long long)conf.rate,
           (long long)conf.from_ms, conf.dry_run);
    for (int i = first; i < argc; i++) printf(" <%s>", argv[i]);
    config_free(parts);
    exit(0);
}

struct outcome {
    int status;
    char text[8000]; /* stdout and stderr */
};

/* Runs a command line, split at spaces. */
static struct outcome run(const char *line)
{
    static struct outcome result;
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char copy[500], *argv[32] = {"weir-x"};
        int argc = 1;
        snprintf(copy, sizeof copy, "%s", line);
        for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) argv[argc++] = word;
        dup2(channel[1], STDOUT_FILENO);
        dup2(channel[1], STDERR_FILENO);
        close(channel[0]);
        program(argc, argv);
    }
    close(channel[1]);
    FILE *out = fdopen(channel[0], "re");
    size_t n = fread(result.text, 1, sizeof result.text - 1, out);
    result.text[n] = '\0';
    fclose(out);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

static void good_lines(void **state)
{
    (void)state;
    const char *const lines[][2] = {
        {"", "a,b 0 10 0 0"},
        {"--rate 5", "a,b 0 5 0 0"},
        {"--rate=5 --dry-run", "a,b 0 5 0 1"},
        {"--columns x,y --format json", "x,y 1 10 0 0"},
        {"--from 1970-01-01T00:00:01Z", "a,b 0 10 1000 0"},
        {"-o replay.rate=7", "a,b 0 7 0 0"},
        {"--rate 5 -o replay.rate=7", "a,b 0 7 0 0"}, /* the last one wins */
        {"-o replay.rate=7 --rate 5", "a,b 0 5 0 0"},
        {"-o replay.dry_run=yes", "a,b 0 10 0 1"},
        {"F --rate 5 G", "a,b 0 5 0 0 <F> <G>"},
        {"F --rate 5 -", "a,b 0 5 0 0 <F> <->"},
        {"F -- --rate", "a,b 0 10 0 0 <F> <--rate>"},
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct outcome o = run(lines[i][0]);
        assert_int_equal(o.status, 0);
        assert_string_equal(o.text, lines[i][1]);
    }
}

static void bad_lines(void **state)
{
    (void)state;
    const char *const lines[][2] = {
        {"--speed", "weir-x: --speed: no such option; try weir-x --help\n"},
        {"-x", "weir-x: -x: no such option; try weir-x --help\n"},
        {"--rate", "weir-x: --rate: its value is missing\n"},
        {"-c", "weir-x: -c: its value is missing\n"},
        {"--rate 1001", "weir-x: -o replay.rate = \"1001\": expected a whole number, up to 1000\n"},
        {"--format xml", "weir-x: -o record.format = \"xml\": expected one of csv|json\n"},
        {"--rate 13", "weir-x: rate 13 is unlucky\n"},
        {"-t --rate 13", "weir-x: rate 13 is unlucky\n"},
        {"file", "weir-x: \"file\": takes no arguments; try weir-x --help\n"},
        {"-c /nonexistent", "weir-x: /nonexistent: No such file or directory\n"},
        {"-c /dev/null -c /dev/null", "weir-x: -c: one configuration file only\n"},
        {"--dry-run=yes", "weir-x: --dry-run=yes: no such option; try weir-x --help\n"},
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct outcome o = run(lines[i][0]);
        assert_string_equal(o.text, lines[i][1]);
        assert_int_equal(o.status, ERR_REFUSED);
    }
}

static void testing(void **state)
{
    (void)state;
    struct outcome o = run("-t --rate 5 -c /dev/null");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.text,
                        "[record]\ncolumns = a,b\nformat = csv\n\n"
                        "[replay]\nrate = 5\nfrom = 1970-01-01T00:00:00.000Z\ndry_run = no\n");
}

static void file_before_options(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-test-XXXXXX", line[100];
    int fd = mkstemp(path);
    assert_true(dprintf(fd, "[replay]\nrate = 3\nfrom = 5\n") > 0);
    close(fd);
    snprintf(line, sizeof line, "--rate 4 -c %s", path);
    struct outcome o = run(line);
    unlink(path);
    assert_string_equal(o.text, "a,b 0 4 5 0");
}

static void help(void **state)
{
    (void)state;
    struct outcome o = run("--help --rate nonsense");
    assert_int_equal(o.status, 0);
    static const char *const parts[] = {
        "usage: weir-x [options]\ntests options\n",
        "\n  --columns TEXT               the columns (a,b)\n",
        "\n  --format csv|json            the format (csv)\n",
        "\n  --rate N                     rows a second (10)\n",
        "\n  --from TIME                  the first time (0)\n",
        "\n  --dry-run                    only look\n",
        "\n  -o section.key=value ",
        "[replay]\n# rows a second\n# (a whole number, up to 1000)\n#rate = 10\n",
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (!strstr(o.text, parts[i])) fail_msg("no \"%s\" in %s", parts[i], o.text);
    o = run("F --help");
    assert_non_null(strstr(o.text, "usage: weir-x [options] FILE\n"));
    o = run("--version");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.text, "weir-x " WEIR_VERSION "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines), cmocka_unit_test(bad_lines),
        cmocka_unit_test(testing),    cmocka_unit_test(file_before_options),
        cmocka_unit_test(help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
