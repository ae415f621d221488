#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static void write_all(const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(STDERR_FILENO, text, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return; /* nowhere left to complain */
        text += n;
        len -= (size_t)n;
    }
}

/* One write() per line, unless the other end takes less, so that lines of several threads and processes do not
 * mix. Control characters of foreign text (a file name, a server's answer) are replaced: a line stays one line. */
static void emit(const char *level, const char *comp, const char *event, const char *format,
                 va_list args)
{
    char line[LINE_MAX_BYTES];
    int n = snprintf(line, sizeof line, "level=%s comp=%s event=%s ", level, comp, event);
    int more = vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    n += more > 0 ? more : 0;
    if (n > LINE_MAX_BYTES - 2) n = LINE_MAX_BYTES - 2;
    for (int i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) line[i] = '?';
    line[n++] = '\n';
    write_all(line, (size_t)n);
}

#define EMIT(level)                                                                                \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    emit(level, comp, event, format, args);                                                        \
    va_end(args)

void log_info(const char *comp, const char *event, const char *format, ...)
{
    EMIT("info");
}

void log_warn(const char *comp, const char *event, const char *format, ...)
{
    EMIT("warn");
}

void log_error(const char *comp, const char *event, const char *format, ...)
{
    EMIT("error");
}
