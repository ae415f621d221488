#include "floor.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct floor_file floor_file(const char *path)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) FLOOR_DIE("%s: cannot be read", path);
    size_t len = (size_t)about.st_size;
    char *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) FLOOR_DIE("%s: cannot be mapped", path);
    return (struct floor_file){at, at + len};
}

const char *floor_line(struct floor_file *rest, size_t *ret_len)
{
    const char *line = rest->at;
    if (line == rest->end) return NULL;
    const char *newline = memchr(line, '\n', (size_t)(rest->end - line));
    const char *stop = newline ? newline : rest->end;
    *ret_len = (size_t)(stop - line);
    rest->at = newline ? newline + 1 : stop;
    return line;
}
