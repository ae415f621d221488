/* Configuration files, options, secrets and what is printed of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"

struct conf {
    char *name, *password;
    int64_t delay_ms, n;
    int format;
    bool on;
    struct config_pairs pairs;
};

static const struct config_row first_rows[] = {
    {"main", "name", CONFIG_STR, "weir", "a name", offsetof(struct conf, name)},
    {"main", "n", CONFIG_INT, "3", "a number", offsetof(struct conf, n), .min = 1, .max = 10},
    {"time", "delay", CONFIG_DURATION, "10s", "a delay", offsetof(struct conf, delay_ms)},
    {"kafka", NULL, CONFIG_PAIRS, NULL, "passed on", offsetof(struct conf, pairs)},
    {0},
};

/* Another component with keys in the same sections. */
static const struct config_row second_rows[] = {
    {"kafka", "password_file", CONFIG_SECRET, "", "a file", offsetof(struct conf, password)},
    {"main", "format.of", CONFIG_CHOICE, "csv", "a format", offsetof(struct conf, format),
     .choices = "csv|json"},
    {"time", "on", CONFIG_BOOL, "no", "a switch", offsetof(struct conf, on)},
    {0},
};

struct fixture {
    struct conf conf;
    struct config_part parts[3];
    struct err e;
    char directory[64], path[128];
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.parts = {{first_rows, &f.conf}, {second_rows, &f.conf}, {0}},
                         .directory = "/tmp/weir-test-XXXXXX"};
    assert_non_null(mkdtemp(f.directory));
    snprintf(f.path, sizeof f.path, "%s/test.conf", f.directory);
    assert_true(config_defaults(f.parts, &f.e));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    config_free(f->parts);
    unlink(f->path);
    rmdir(f->directory);
    return 0;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static bool read_text(struct fixture *f, const char *text)
{
    write_file(f->path, text, strlen(text));
    f->e = (struct err){0};
    return config_file(f->parts, f->path, &f->e);
}

static void defaults(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(f->conf.name, "weir");
    assert_int_equal(f->conf.n, 3);
    assert_int_equal(f->conf.delay_ms, 10000);
    assert_int_equal(f->conf.format, 0);
    assert_false(f->conf.on);
    assert_string_equal(f->conf.password, "");
    assert_int_equal(f->conf.pairs.n, 0);
}

static void bad_default(void **state)
{
    (void)state;
    struct conf conf;
    struct err e = {0};
    const struct config_row rows[] = {
        {"main", "n", CONFIG_INT, "11", "", offsetof(struct conf, n), .min = 1, .max = 10}, {0}};
    const struct config_part parts[] = {{rows, &conf}, {0}};
    assert_false(config_defaults(parts, &e));
    assert_non_null(strstr(e.text, "default main.n"));
}

static void good_file(void **state)
{
    struct fixture *f = *state;
    assert_true(read_text(f, "# a comment\n"
                             "  ; another\n"
                             "\n"
                             "[main]\r\n"
                             "name =  two words; and = more  \t\r\n"
                             "format.of=json\n"
                             "[kafka]\n"
                             "bootstrap.servers = a:1,b:2\n"
                             "client.id = # not a comment\n"
                             "empty =\n"
                             "[time]\n"
                             "on = yes\n"
                             "[main]\n"
                             "n = 10")); /* without an end of line */
    assert_string_equal(f->conf.name, "two words; and = more");
    assert_int_equal(f->conf.n, 10);
    assert_int_equal(f->conf.format, 1);
    assert_true(f->conf.on);
    assert_int_equal(f->conf.delay_ms, 10000);
    assert_int_equal(f->conf.pairs.n, 3);
    assert_string_equal(f->conf.pairs.at[0].name, "bootstrap.servers");
    assert_string_equal(f->conf.pairs.at[0].value, "a:1,b:2");
    assert_string_equal(f->conf.pairs.at[1].value, "# not a comment");
    assert_string_equal(f->conf.pairs.at[2].value, "");
}

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void bad_files(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *text, *says; /* behind "file:" */
    } rows[] = {
        {"[main]\nnam = a\n", "2: unknown key \"nam\" in [main], which has: name n format.of"},
        {"\n[mian]\nname = a\n", "3: unknown section [mian]; there are: [main] [time] [kafka]"},
        {"[main]\nname = a\n\nname = b\n", "4: main.name is there twice"},
        {"[main]\nname = a\n[main]\nname = a\n", "4: main.name is there twice"},
        {"[kafka]\na.b = 1\na.b = 2\n", "3: kafka.a.b is there twice"},
        {"name = a\n", "1: \"name\" stands before the first [section]"},
        {"[main]\nn = 11\n", "2: main.n = \"11\": expected a whole number, from 1 to 10"},
        {"[main]\nn =\n", "2: main.n = \"\": expected a whole number, from 1 to 10"},
        {"[time]\ndelay = 10\n", "2: time.delay = \"10\": expected a duration like"},
        {"[main]\nformat.of = xml\n", "2: main.format.of = \"xml\": expected one of csv|json"},
        {"[time]\non = true\n", "2: time.on = \"true\": expected yes or no"},
        {"[main]\nname = \xff\n", "2: main.name: not UTF-8 text"},
        {"[kafka]\na = b\x01\n", "2: kafka.a: not UTF-8 text"},
        {"[kafka]\n= b\n", "2: [kafka]: a name that is empty"},
        {"[kafka]\na\xff = b\n", "2: [kafka]: a name that is empty, or no UTF-8 text"},
        {"[main]\nname = a ;b\n", "2: this line has a \";\" behind a space"},
        {"[main]\nname = a\n  b\n", "3: this line is indented"},
        {"[main]\n\tname = a\n", "2: this line is indented"},
        {"[main]\nname\n", "2: this line is neither [section] nor key = value"},
        {"[main]\nname: a\n", "2: this line is neither [section] nor key = value"},
        {"[main\nname = a\n", "1: this line should end with its only \"]\""},
        {"[main] name = a\n", "1: this line should end with its only \"]\""},
        {"[main]x]\n", "1: this line should end with its only \"]\""},
        {"[main]\n= a\n", "2: unknown key \"\" in [main]"},
        {"[main]\nname = " HUNDRED HUNDRED "\n", "2: this line is too long"},
        {"[main]\nn = 11\nnam = a\n", "2: main.n"}, /* the first error wins */
        {"[main]\nname\nn = 11\n", "2: this line is neither"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_false(read_text(f, rows[i].text));
        assert_int_equal(f->e.status, ERR_REFUSED);
        char want[1000];
        snprintf(want, sizeof want, "%s:%s", f->path, rows[i].says);
        if (strncmp(f->e.text, want, strlen(want)) != 0)
            fail_msg("row %zu says: %s\ninstead of: %s", i, f->e.text, want);
    }
}

static void long_lines(void **state)
{
    struct fixture *f = *state;
    char text[300];
    for (size_t n = 150; n < 260; n++) {
        snprintf(text, sizeof text, "[main]\nname = %.*s\n", (int)n, HUNDRED HUNDRED HUNDRED);
        bool read = read_text(f, text); /* whole or not at all */
        assert_int_equal(read, n <= 192);
        if (read) assert_int_equal(strlen(f->conf.name), n);
    }
    assert_true(read_text(f, "[main]\n# " HUNDRED HUNDRED HUNDRED "\nn = 5\n"));
    assert_int_equal(f->conf.n, 5);
}

static void zero_bytes(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "[main]\nname = a\0b\n";
    write_file(f->path, text, sizeof text - 1);
    assert_false(config_file(f->parts, f->path, &f->e));
    assert_non_null(strstr(f->e.text, ":2: this line holds a zero byte"));
}

static void missing_file(void **state)
{
    struct fixture *f = *state;
    assert_false(config_file(f->parts, "/nonexistent/weir.conf", &f->e));
    assert_string_equal(f->e.text, "/nonexistent/weir.conf: No such file or directory");
    f->e = (struct err){0};
    assert_false(config_file(f->parts, "/tmp", &f->e)); /* opens, but does not read */
    assert_string_equal(f->e.text, "/tmp: Is a directory");
}

static void options(void **state)
{
    struct fixture *f = *state;
    assert_true(read_text(f, "[main]\nname = file\n"));
    static const char *const must[] = {
        "main.name=a ;b=c",    "main.n=4",      "main.n=5",
        "main.format.of=json", "kafka.a.b.c=1", "kafka.a.b.c=2",
    };
    for (size_t i = 0; i < COUNT_OF(must); i++)
        assert_true(config_option(f->parts, must[i], &f->e));
    assert_string_equal(f->conf.name, "a ;b=c");
    assert_int_equal(f->conf.n, 5);
    assert_int_equal(f->conf.format, 1);
    assert_int_equal(f->conf.pairs.n, 1);
    assert_string_equal(f->conf.pairs.at[0].name, "a.b.c");
    assert_string_equal(f->conf.pairs.at[0].value, "2");
    static const char *const must_not[][2] = {
        {"", "-o : expected section.key=value"},
        {"main", "-o main: expected section.key=value"},
        {"main.name", "-o main.name: expected section.key=value"},
        {"main=a.b", "-o main: expected section.key=value"},
        {".name=a", "-o .name: expected section.key=value"},
        {"main.=a", "-o main.: expected section.key=value"},
        {"main.n=0", "-o main.n = \"0\": expected a whole number, from 1 to 10"},
        {"main.nn=0", "-o unknown key \"nn\" in [main]"},
        {"x.y=0", "-o unknown section [x]"},
        {"main.name=a\nb", "-o main.name: not UTF-8 text"},
        {"kafka.password_file=/etc/secret", "-o kafka.password_file: everybody on this machine"},
        {"kafka.sasl.password=secret", "-o kafka.sasl.password: everybody on this machine"},
        {"kafka.ssl.key.PEM=secret", "-o kafka.ssl.key.PEM: everybody on this machine"},
        {"kafka.sasl.oauthbearer.config=secret", "-o kafka.sasl.oauthbearer.config: everybody"},
    };
    for (size_t i = 0; i < COUNT_OF(must_not); i++) {
        struct err e = {0};
        assert_false(config_option(f->parts, must_not[i][0], &e));
        if (strncmp(e.text, must_not[i][1], strlen(must_not[i][1])) != 0)
            fail_msg("%s: %s", must_not[i][0], e.text);
        assert_int_equal(e.status, ERR_REFUSED);
    }
}

/* Writes a file beside the configuration and names it as the secret; returns its path. */
static const char *secret_file(struct fixture *f, const char *bytes, size_t n)
{
    static char path[128];
    char text[200];
    snprintf(path, sizeof path, "%s/secret", f->directory);
    write_file(path, bytes, n);
    chmod(path, 0600);
    snprintf(text, sizeof text, "[kafka]\npassword_file = %s\n", path);
    assert_true(read_text(f, text));
    return path;
}

static void secrets(void **state)
{
    struct fixture *f = *state;
    static char long_one[4098];
    memset(long_one, 'x', sizeof long_one);
    const struct {
        const char *bytes;
        size_t n;
        const char *secret, *fault;
    } rows[] = {
        {"hunter2", 7, "hunter2", NULL},
        {"hunter2\n", 8, "hunter2", NULL},
        {"hunter2\r\n", 9, "hunter2", NULL},
        {" a b \nmore\n", 11, " a b ", NULL},
        {"", 0, NULL, "the first line is empty"},
        {"\nhunter2", 8, NULL, "the first line is empty"},
        {"a\0b\n", 4, NULL, "the first line holds a zero byte"},
        {long_one, 4097, NULL, "the first line is longer than 4096 bytes"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *path = secret_file(f, rows[i].bytes, rows[i].n);
        bool good = config_resolve(f->parts, &f->e);
        assert_int_equal(good, rows[i].fault == NULL);
        if (good)
            assert_string_equal(f->conf.password, rows[i].secret);
        else
            assert_non_null(strstr(f->e.text, rows[i].fault));
        unlink(path);
    }
    secret_file(f, "x", 1);
    char missing[128];
    snprintf(missing, sizeof missing, "%s/secret", f->directory);
    unlink(missing);
    assert_false(config_resolve(f->parts, &f->e));
    assert_non_null(strstr(f->e.text, "kafka.password_file: "));
    assert_non_null(strstr(f->e.text, "No such file"));
}

static void credentials_directory(void **state)
{
    struct fixture *f = *state;
    const char *path = secret_file(f, "from systemd\n", 13);
    setenv("CREDENTIALS_DIRECTORY", f->directory, 1);
    assert_true(read_text(f, "[kafka]\npassword_file = secret\n"));
    assert_true(config_resolve(f->parts, &f->e));
    assert_string_equal(f->conf.password, "from systemd");
    unsetenv("CREDENTIALS_DIRECTORY");
    unlink(path);
}

static void no_secret(void **state)
{
    struct fixture *f = *state;
    assert_true(config_resolve(f->parts, &f->e));
    assert_string_equal(f->conf.password, "");
}

typedef void print(const struct config_part *parts, FILE *out);

static char *printed(struct fixture *f, print *what)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    what(f->parts, out);
    fclose(out);
    return text;
}

static void warnings(void **state)
{
    struct fixture *f = *state;
    const char *path = secret_file(f, "x\n", 2);
    char *text = printed(f, config_warn);
    assert_string_equal(text, "");
    free(text);
    chmod(path, 0644);
    text = printed(f, config_warn);
    assert_non_null(strstr(text, "everybody can read"));
    assert_non_null(strstr(text, "kafka.password_file"));
    free(text);
    unlink(path);
}

static void printing(void **state)
{
    struct fixture *f = *state;
    const char *path = secret_file(f, "hunter2\n", 8);
    char file[500];
    snprintf(file, sizeof file,
             "[kafka]\npassword_file = %s\nssl.key.password = hunter3\nclient.id = "
             "me\n[time]\ndelay = 60s\n",
             path);
    assert_true(read_text(f, file));
    assert_true(config_resolve(f->parts, &f->e));
    char *text = printed(f, config_print);
    assert_string_equal(text,
                        "[main]\nname = weir\nn = 3\nformat.of = csv\n\n"
                        "[time]\ndelay = 1min\non = no\n\n"
                        "[kafka]\nssl.key.password = ****\nclient.id = me\npassword_file = ****\n");
    free(text);
    unlink(path);
}

/* What is printed reads back as the same. */
static void printed_file_reads_back(void **state)
{
    struct fixture *f = *state;
    assert_true(
        read_text(f, "[main]\nname = a b\nn = 7\nformat.of = json\n[time]\ndelay = 90s\non = yes\n"
                     "[kafka]\nx.y = z\nsemicolon =;\n"));
    char *text = printed(f, config_print);
    config_free(f->parts);
    assert_true(config_defaults(f->parts, &f->e));
    assert_true(read_text(f, text));
    char *again = printed(f, config_print);
    assert_string_equal(text, again);
    free(text);
    free(again);
}

static void help(void **state)
{
    struct fixture *f = *state;
    char *text = printed(f, config_help);
    static const char *const parts[] = {
        "[main]\n# a name\n# (text)\n#name = weir\n",
        "# a number\n# (a whole number, from 1 to 10)\n#n = 3\n",
        "# a format\n# (one of csv|json)\n#format.of = csv\n",
        "[kafka]\n# passed on\n",
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++) assert_non_null(strstr(text, parts[i]));
    assert_true(read_text(f, text)); /* it is a configuration file */
    free(text);
}

static void finding(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(config_find(f->parts, "main.format.of")->help, "a format");
    static const char *const must_not[] = {"", "main", "main.", "main.x", "format.of", "kafka.a"};
    for (size_t i = 0; i < COUNT_OF(must_not); i++) assert_null(config_find(f->parts, must_not[i]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults),     TEST(bad_default),
        TEST(good_file),    TEST(bad_files),
        TEST(long_lines),   TEST(zero_bytes),
        TEST(missing_file), TEST(options),
        TEST(secrets),      TEST(credentials_directory),
        TEST(no_secret),    TEST(warnings),
        TEST(printing),     TEST(printed_file_reads_back),
        TEST(help),         TEST(finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
