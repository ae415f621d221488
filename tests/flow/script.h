/* A case: a directory with
 *
 *     conf            section.key = value lines, over those of ../conf
 *     0.csv 1.csv ... one file per partition: line i of all of them is what happens in turn i
 *     out/            what must come out; made by tests/flow/expect, which describes the files
 *
 * A line is a record ("\n" in it separates rows; "@1000 " before it: the broker's timestamp of it in ms), "-" for none,
 * or what happens after the records of its turn:
 *
 *     !commit   a second passes: what is in hand is committed
 *     !idle     time.idle.timeout passes: who has no record behind his last one is idle
 *     !kill     every process dies and comes back
 *     !revoke   the groups take all partitions and give them back
 *     !abort    the next transaction is aborted by the broker
 *     !forget   as !commit; Redis loses everything; as !idle
 *
 * Lines that begin with "#" are comments. */
#ifndef WEIR_TESTS_SCRIPT_H
#define WEIR_TESTS_SCRIPT_H

#include <stdio.h>

#include "base/config.h"
#include "flow/source.h"

enum script_what {
    SCRIPT_NOTHING,
    SCRIPT_RECORD,
    SCRIPT_COMMIT,
    SCRIPT_IDLE,
    SCRIPT_KILL,
    SCRIPT_REVOKE,
    SCRIPT_ABORT,
    SCRIPT_FORGET
};

struct script_line {
    enum script_what what;
    struct record record; /* value is own */
};

struct script {
    char dir[512];
    int32_t partition_n;
    size_t turn_n;
    struct script_partition {
        struct script_line *lines; /* own */
        size_t n, cap;
    } partitions[16];
};

/* script_dirs lists the names of all cases, NULL-terminated; the caller frees names and list. script_load reads one; it and
 * script_conf fail the test that runs for anything malformed. */
char **script_dirs(void);
void script_load(struct script *s, const char *name);
void script_free(struct script *s);
void script_conf(const struct script *s, const struct config_part *parts);

/* What happens to a partition in a turn; NOTHING behind the end of its file. */
const struct script_line *script_line(const struct script *s, size_t turn, int32_t partition);

/* script_expects is true if out/name exists. script_compare lets write(ctx, out) say what came out and fails the test with a
 * diff if it is not what that file holds; when says which run it was. */
bool script_expects(const struct script *s, const char *name);
typedef void script_write(void *ctx, FILE *out);
void script_compare(const struct script *s, const char *name, const char *when, script_write *write,
                    void *ctx);

#endif
