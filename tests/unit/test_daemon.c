/* A daemon in a process of its own, seen by its supervisor and its operators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/daemon.h"

/* The daemon under test obeys single letters on its standard input, and answers each with a line. */
enum { WAIT_MS = 20000 };

struct conf {
    int64_t size, slide;
};

static const struct config_row rows[] = {
    {"window", "size", CONFIG_INT, "60", "size", offsetof(struct conf, size)},
    {"window", "slide", CONFIG_INT, "5", "slide", offsetof(struct conf, slide), .min = 1,
     .max = 100},
    {0},
};

static bool check(void *check_ctx, struct err *e)
{
    const struct conf *conf = check_ctx;
    return conf->size % conf->slide == 0 ||
           err_refuse(e, "window.size is no multiple of window.slide");
}

static void obey(struct daemon *d, char letter)
{
    struct err e = {0};
    switch (letter) {
    case 'r': daemon_ready(d, true); break;
    case 'n': daemon_ready(d, false); break;
    case 'p': daemon_progress(d); break;
    case 's': daemon_status(d, "at %d", 42); break;
    case 'm': metrics_add(metrics_counter(daemon_metrics(d), "rows_total", "", "Rows."), 3); break;
    case 'f': err_fenced(&e, "a \"twin\" has taken over"); exit(daemon_end(d, &e));
    case 'x':
        err_set(&e, "no broker");
        daemon_must(d, true, &e);
        daemon_must(d, false, &e);
        break;
    default: assert(!"a letter of the test");
    }
    printf("%s %s %d %d\n", daemon_name(d), daemon_instance(d), daemon_static_member(d),
           prctl(PR_GET_DUMPABLE));
    fflush(stdout);
}

static void program(int argc, char **argv)
{
    struct conf conf;
    const struct config_part parts[] = {{rows, &conf}, {0}};
    const struct daemon_spec spec = {"weir-test", "is tested", 19101, parts, check, &conf};
    struct daemon *d = daemon_start(&spec, argc, argv);
    while (daemon_running(d)) {
        struct pollfd in = {STDIN_FILENO, POLLIN, 0};
        char letter;
        if (poll(&in, 1, 100) == 1 && read(STDIN_FILENO, &letter, 1) == 1) obey(d, letter);
    }
    exit(daemon_end(d, NULL));
}

/* --- its supervisor --- */

struct fixture {
    char directory[64];
    int notify; /* what sd_notify sends to */
};

struct child {
    pid_t pid;
    int to, from, log; /* stdin, stdout, stderr */
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.directory = "/tmp/weir-test-XXXXXX"};
    assert_non_null(mkdtemp(f.directory));
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/notify", f.directory);
    f.notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f.notify, (struct sockaddr *)&a, sizeof a), 0);
    setenv("NOTIFY_SOCKET", a.sun_path, 1);
    setenv("RUNTIME_DIRECTORY", f.directory, 1);
    unsetenv("WATCHDOG_USEC");
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[100];
    close(f->notify);
    snprintf(command, sizeof command, "rm -r %s", f->directory);
    return system(command);
}

static struct child start(const char *line)
{
    int in[2], out[2], log[2];
    assert_int_equal(pipe(in) + pipe(out) + pipe(log), 0);
    fflush(NULL);
    struct child c = {fork(), in[1], out[0], log[0]};
    if (c.pid == 0) {
        char copy[300], *argv[16] = {"weir-test"};
        int argc = 1;
        snprintf(copy, sizeof copy, "%s", line);
        for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) argv[argc++] = word;
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(log[1], STDERR_FILENO);
        for (int i = 0; i < 2; i++) {
            close(in[i]);
            close(out[i]);
            close(log[i]);
        }
        program(argc, argv);
    }
    close(in[0]);
    close(out[1]);
    close(log[1]);
    return c;
}

/* The next line from a descriptor, without its end. */
static const char *line_from(int fd)
{
    static char line[2000];
    size_t n = 0;
    struct pollfd p = {fd, POLLIN, 0};
    while (n < sizeof line - 1) {
        if (poll(&p, 1, WAIT_MS) != 1) fail_msg("no line after \"%.*s\"", (int)n, line);
        if (read(fd, line + n, 1) != 1 || line[n] == '\n') break;
        n++;
    }
    line[n] = '\0';
    return line;
}

/* The HTTP port, out of the line that reports the start. */
static int started(struct child c)
{
    const char *line = line_from(c.log), *port = strstr(line, "http_port=");
    if (!port) fail_msg("%s", line);
    return atoi(port + strlen("http_port="));
}

static const char *tell(struct child c, const char *letter)
{
    assert_int_equal(write(c.to, letter, 1), 1);
    return line_from(c.from);
}

static int end_of(struct child c)
{
    int status;
    close(c.to);
    assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
    close(c.from);
    close(c.log);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int stop(struct child c, int signal_n)
{
    assert_int_equal(kill(c.pid, signal_n), 0);
    return end_of(c);
}

static const char *notified(struct fixture *f)
{
    static char text[500];
    struct pollfd p = {f->notify, POLLIN, 0};
    if (poll(&p, 1, WAIT_MS) != 1) fail_msg("nothing was notified");
    ssize_t n = recv(f->notify, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static bool nothing_notified(struct fixture *f)
{
    struct pollfd p = {f->notify, POLLIN, 0};
    return poll(&p, 1, 0) == 0;
}

/* Status of a page; its body is in *ret_body until the next call. */
static int get(int port, const char *path, const char **ret_body)
{
    static char answer[100000];
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    dprintf(fd, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    size_t len = 0;
    for (ssize_t n; (n = read(fd, answer + len, sizeof answer - 1 - len)) > 0;) len += (size_t)n;
    answer[len] = '\0';
    close(fd);
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    if (ret_body) *ret_body = body + 4;
    return atoi(answer + strlen("HTTP/1.1 "));
}

/* --- tests --- */

static void life(void **state)
{
    struct fixture *f = *state;
    const char *body;
    struct child c = start("-o http.listen=127.0.0.1:0");
    int port = started(c);
    assert_int_equal(get(port, "/readyz", NULL), 503);
    assert_int_equal(get(port, "/healthz", NULL), 200);
    assert_int_equal(get(port, "/", NULL), 404);
    assert_string_equal(tell(c, "r"), "weir-test 0 0 0");
    assert_string_equal(notified(f), "READY=1");
    assert_int_equal(get(port, "/readyz", NULL), 200);
    tell(c, "n");
    assert_int_equal(get(port, "/readyz", NULL), 503);
    tell(c, "r");
    assert_true(nothing_notified(f)); /* READY is said once */
    tell(c, "m");
    assert_int_equal(get(port, "/metrics", &body), 200);
    assert_non_null(strstr(body, "\nweir_rows_total 3\n"));
    assert_non_null(strstr(body, "\nweir_up 1\n"));
    assert_non_null(strstr(body, "\nweir_start_time_seconds "));
    const char *memory = strstr(body, "\nweir_resident_memory_bytes ");
    assert_non_null(memory);
    assert_in_range(atoll(memory + strlen("\nweir_resident_memory_bytes ")), 1 << 20, 1 << 30);
    assert_int_equal(stop(c, SIGTERM), 0);
    assert_string_equal(notified(f), "STOPPING=1");
    c = start("-o http.listen=none");
    started(c);
    assert_int_equal(stop(c, SIGINT), 0);
}

static void status_lines(void **state)
{
    struct fixture *f = *state;
    struct child c = start("-o http.listen=none");
    assert_int_equal(started(c), 0);
    for (int i = 0; i < 20; i++) tell(c, "s"); /* within a second */
    assert_string_equal(notified(f), "STATUS=at 42");
    assert_true(nothing_notified(f));
    assert_int_equal(stop(c, SIGTERM), 0);
}

static void watchdog(void **state)
{
    struct fixture *f = *state;
    setenv("WATCHDOG_USEC", "400000", 1); /* fed every 100 ms, and only by progress */
    struct child c = start("-o http.listen=none");
    unsetenv("WATCHDOG_USEC");
    started(c);
    int64_t begin_ms = clock_now_ms();
    int fed = 0, told = 0;
    for (; clock_now_ms() - begin_ms < 350; told++) tell(c, "p");
    int64_t took_ms = clock_now_ms() - begin_ms;
    for (; !nothing_notified(f); fed++)
        assert_string_equal(notified(f), "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=400000");
    assert_in_range(fed, 1, took_ms / 100 + 1);
    assert_true(told > fed);
    tell(c, "m"); /* not progress */
    assert_true(nothing_notified(f));
    tell(c, "r");
    assert_string_equal(notified(f), "READY=1");
    begin_ms = clock_now_ms();
    while (nothing_notified(f) && clock_now_ms() - begin_ms < WAIT_MS) tell(c, "p");
    assert_string_equal(notified(f), "WATCHDOG=1"); /* started, it needs no more time for that */
    assert_int_equal(stop(c, SIGTERM), 0);
}

static void stalled(void **state)
{
    (void)state;
    struct child c = start("-o http.listen=127.0.0.1:0 -o daemon.stall=100ms");
    int port = started(c);
    int64_t begin_ms = clock_now_ms();
    while (get(port, "/healthz", NULL) == 200) assert_true(clock_now_ms() - begin_ms < WAIT_MS);
    assert_int_equal(get(port, "/healthz", NULL), 503);
    bool healthy = false;
    for (int i = 0; !healthy && i < 100; i++) { /* a slow machine may be late for one */
        tell(c, "p");
        healthy = get(port, "/healthz", NULL) == 200;
    }
    assert_true(healthy);
    assert_int_equal(stop(c, SIGTERM), 0);
}

static void failures(void **state)
{
    (void)state;
    struct child c = start("-o http.listen=none");
    started(c);
    assert_int_equal(write(c.to, "f", 1), 1);
    assert_string_equal(
        line_from(c.log),
        "level=error comp=weir-test event=failed status=79 error=\"a 'twin' has taken over\"");
    assert_int_equal(end_of(c), 79);
    c = start("-o http.listen=none");
    started(c);
    assert_int_equal(write(c.to, "x", 1), 1);
    assert_int_equal(end_of(c), 1);
}

/* Starts what cannot start, and looks for a text in its only line. */
static void assert_refused(const char *line, const char *says)
{
    struct child c = start(line);
    const char *said = line_from(c.log);
    if (!strstr(said, says)) fail_msg("%s: %s", line, said);
    assert_string_equal(line_from(c.log), "");
    assert_int_equal(end_of(c), 78);
}

static void refusals(void **state)
{
    (void)state;
    struct child c = start("-o http.listen=127.0.0.1:0 --instance a1");
    int port = started(c);
    char text[100];
    assert_string_equal(tell(c, "p"), "weir-test a1 1 0");
    snprintf(text, sizeof text, "(pid %d)", (int)c.pid);
    assert_refused("-o http.listen=none --instance a1", text);
    snprintf(text, sizeof text, "-o http.listen=127.0.0.1:%d", port);
    assert_refused(text, "http.listen");
    assert_refused("-o http.listen=nowhere", "http.listen");
    assert_refused("-t -o http.listen=nowhere", "http.listen");
    assert_refused("--instance a/b", "daemon.instance");
    assert_refused("-t -o window.slide=7", "window.size is no multiple of window.slide");
    assert_refused("-o daemon.runtime_dir=/nonexistent/a", "daemon.runtime_dir");
    assert_refused("-o daemon.runtime_dir=/dev/null", "daemon.runtime_dir");
    assert_int_equal(stop(c, SIGTERM), 0);
    c = start("-o http.listen=none --instance a1"); /* the lock is free again */
    started(c);
    assert_int_equal(stop(c, SIGKILL), -1);
    c = start("-o http.listen=none --instance a1"); /* after a crash too */
    started(c);
    assert_int_equal(stop(c, SIGTERM), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(life),    TEST(status_lines), TEST(watchdog),
        TEST(stalled), TEST(failures),     TEST(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
