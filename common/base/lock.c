#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

char *lock_directory(const char *configured)
{
    const char *runtime = getenv("RUNTIME_DIRECTORY"), *user = getenv("XDG_RUNTIME_DIR");
    if (configured[0]) return mem_dup(configured, strlen(configured));
    if (runtime && runtime[0]) return mem_dup(runtime, strcspn(runtime, ":"));
    if (user && user[0]) return mem_printf("%s/weir", user);
    return mem_printf("/tmp/weir-%u", (unsigned)getuid());
}

/* In /tmp anybody may have made our directory before us, with our lock in it. */
static bool own_directory(const char *path, struct err *e)
{
    struct stat s;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_refuse(e, "runtime directory %s: %s; set daemon.runtime_dir", path,
                          strerror(errno));
    if (lstat(path, &s) < 0 || (!S_ISDIR(s.st_mode) && !S_ISLNK(s.st_mode)))
        return err_refuse(e, "runtime directory %s: not a directory; set daemon.runtime_dir", path);
    if (s.st_uid != getuid() && s.st_uid != 0)
        return err_refuse(e, "runtime directory %s: belongs to uid %u; set daemon.runtime_dir",
                          path, (unsigned)s.st_uid);
    return true;
}

static bool refuse_held(int fd, const char *path, struct err *e)
{
    char pid[16] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    return err_refuse(
        e,
        "another process (pid %.*s) is this instance already and holds %s; stop it, or give "
        "this one a name by --instance",
        (int)strspn(pid, "0123456789"), pid, path);
}

static bool lock(int fd, const char *path, struct err *e)
{
    if (fd < 0) return err_refuse(e, "%s: %s; set daemon.runtime_dir", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? refuse_held(fd, path, e)
                                    : err_refuse(e, "%s: cannot lock: %s", path, strerror(errno));
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
        return err_refuse(e, "%s: %s", path, strerror(errno));
    return true;
}

int lock_take(const char *directory, const char *name, struct err *e)
{
    if (!own_directory(directory, e)) return -1;
    char *path = mem_printf("%s/%s.lock", directory, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool held = lock(fd, path, e);
    if (!held && fd >= 0) close(fd);
    free(path);
    return held ? fd : -1;
}
