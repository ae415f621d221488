#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* systemd hands credentials over in a directory; elsewhere a relative path is just that. */
static int open_file(const char *path)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (path[0] != '/' && credentials) {
        char *full = mem_printf("%s/%s", credentials, path);
        int fd = open(full, O_RDONLY | O_CLOEXEC);
        free(full);
        if (fd >= 0 || errno != ENOENT) return fd;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Reads until the end or until text is full; -1 = errno says why. */
static ssize_t read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static char *first_line(const char *path, const char *text, size_t len, struct err *e)
{
    const char *newline = memchr(text, '\n', len);
    size_t end = newline ? (size_t)(newline - text) : len;
    if (end && text[end - 1] == '\r') end--;
    if (end == 0)
        err_refuse(e, "%s: the first line is empty", path);
    else if (end > SECRET_MAX_BYTES)
        err_refuse(e, "%s: the first line is longer than %d bytes", path, SECRET_MAX_BYTES);
    else if (memchr(text, '\0', end))
        err_refuse(e, "%s: the first line holds a zero byte", path);
    else
        return mem_dup(text, end);
    return NULL;
}

char *secret_read(const char *path, struct err *e)
{
    int fd = open_file(path);
    if (fd < 0) {
        err_refuse(e, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char text[SECRET_MAX_BYTES + 2]; /* and an end of line */
    ssize_t len = read_all(fd, text, sizeof text);
    char *secret = NULL;
    if (len < 0)
        err_refuse(e, "%s: %s", path, strerror(errno));
    else
        secret = first_line(path, text, (size_t)len, e);
    explicit_bzero(text, sizeof text);
    close(fd);
    return secret;
}

bool secret_exposed(const char *path)
{
    int fd = open_file(path);
    if (fd < 0) return false;
    struct stat file;
    bool exposed = fstat(fd, &file) == 0 && (file.st_mode & S_IROTH);
    close(fd);
    return exposed;
}

void secret_free(char *secret)
{
    if (secret) explicit_bzero(secret, strlen(secret));
    free(secret);
}
