#include "services/manifest_json.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_bytes.h"

enum { FORMAT = 1, FILE_MAX_BYTES = 16384, DEPTH_MAX = 2, VALUES_MAX = 100, HASH_DIGITS = 16 };

static const char file_name[] = "manifest.json";

bool manifest_json_name(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t len = strlen(name);
    return len > 0 && len < MANIFEST_JSON_NAME_BYTES && strspn(name, good) == len;
}

void manifest_json_add(struct manifest_json_numbers *n, const char *name, double value)
{
    assert(n->n < MANIFEST_JSON_NUMBERS_MAX);
    struct manifest_json_number *to = &n->at[n->n++];
    snprintf(to->name, sizeof to->name, "%s", name);
    to->value = value;
}

const double *manifest_json_number(const struct manifest_json_numbers *n, const char *name)
{
    for (size_t i = 0; i < n->n; i++)
        if (strcmp(n->at[i].name, name) == 0) return &n->at[i].value;
    return NULL;
}

/* -- reading -- */

static bool read_name(const json_t *value, char to[MANIFEST_JSON_NAME_BYTES])
{
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value) ||
        !manifest_json_name(json_string_value(value)))
        return false;
    snprintf(to, MANIFEST_JSON_NAME_BYTES, "%s", json_string_value(value));
    return true;
}

static bool read_hash(const json_t *value, uint64_t *ret)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    if (strlen(text) != HASH_DIGITS || strspn(text, "0123456789abcdef") != HASH_DIGITS)
        return false;
    *ret = strtoull(text, NULL, 16);
    return true;
}

static bool read_numbers(json_t *object, struct manifest_json_numbers *ret)
{
    if (!json_is_object(object) || json_object_size(object) > MANIFEST_JSON_NUMBERS_MAX)
        return false;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        double number = json_number_value(value);
        if (!json_is_number(value) || !isfinite(number) || strlen(name) >= MANIFEST_JSON_NAME_BYTES)
            return false;
        manifest_json_add(ret, name, number);
    }
    return true;
}

static const char *read_members(struct manifest_json *m, const json_t *root)
{
    if (!json_is_object(root)) return "its manifest is no JSON object";
    if (json_integer_value(json_object_get(root, "format")) != FORMAT)
        return "its format is not known here";
    if (!read_name(json_object_get(root, "kind"), m->kind) ||
        !read_name(json_object_get(root, "version"), m->version))
        return "its manifest lacks a good kind or version";
    m->has_data = json_object_get(root, "data") != NULL;
    if (m->has_data && (!read_hash(json_object_get(root, "data"), &m->data) ||
                        !read_hash(json_object_get(root, "ids"), &m->ids)))
        return "its manifest lacks a good hash";
    if (!read_numbers(json_object_get(root, "settings"), &m->settings) ||
        !read_numbers(json_object_get(root, "parts"), &m->parts) ||
        !read_numbers(json_object_get(root, "validation"), &m->validation))
        return "its manifest lacks good settings, parts or validation";
    return NULL;
}

/* Returns how many bytes; 0 = none, no file, or too many. */
static size_t read_file(int directory, char bytes[FILE_MAX_BYTES])
{
    int fd = openat(directory, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return 0;
    struct stat s;
    ssize_t n = 0;
    if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode)) n = read(fd, bytes, FILE_MAX_BYTES);
    close(fd);
    return n > 0 && n < FILE_MAX_BYTES ? (size_t)n : 0;
}

const char *manifest_json_read(struct manifest_json *m, int directory)
{
    char bytes[FILE_MAX_BYTES];
    *m = (struct manifest_json){0};
    size_t n = read_file(directory, bytes);
    if (n == 0) return "it has no manifest.json, or one that is no file or too long";
    if (!json_bytes_bounded((struct str){bytes, n}, DEPTH_MAX, VALUES_MAX))
        return "its manifest is nested too deeply or has too many values";
    json_t *root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
    if (!root) return "its manifest is not JSON";
    const char *wrong = read_members(m, root);
    json_decref(root);
    return wrong;
}

/* -- writing -- */

static json_t *numbers(const struct manifest_json_numbers *n)
{
    json_t *object = json_object();
    for (size_t i = 0; i < n->n; i++)
        json_object_set_new(object, n->at[i].name, json_real(n->at[i].value));
    return object;
}

static void set_hash(json_t *root, const char *name, uint64_t hash)
{
    char text[HASH_DIGITS + 1];
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    json_object_set_new(root, name, json_string(text));
}

/* The caller frees it. */
static char *text_of(const struct manifest_json *m)
{
    json_t *root = json_object();
    json_object_set_new(root, "format", json_integer(FORMAT));
    json_object_set_new(root, "kind", json_string(m->kind));
    json_object_set_new(root, "version", json_string(m->version));
    if (m->has_data) {
        set_hash(root, "data", m->data);
        set_hash(root, "ids", m->ids);
    }
    json_object_set_new(root, "settings", numbers(&m->settings));
    json_object_set_new(root, "parts", numbers(&m->parts));
    json_object_set_new(root, "validation", numbers(&m->validation));
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(root);
    return text;
}

bool manifest_json_write(const struct manifest_json *m, int directory, struct err *e)
{
    static const char temporary[] = ".manifest.json";
    char *text = text_of(m), *end = strchr(text, '\0');
    *end = '\n'; /* in the place of the NUL */
    size_t len = (size_t)(end + 1 - text);
    int fd =
        openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    bool good = fd >= 0 && fchmod(fd, 0644) == 0 && write(fd, text, len) == (ssize_t)len &&
                fsync(fd) == 0 && renameat(directory, temporary, directory, file_name) == 0 &&
                fsync(directory) == 0;
    if (!good) err_set(e, "%s cannot be written: %s", file_name, strerror(errno));
    if (fd >= 0) close(fd);
    free(text);
    return good;
}
