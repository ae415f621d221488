/* The command line of every program: -c FILE, -o section.key=value, -t, --help, --version, and long options
 * that are short names for keys of the configuration. So an option has type, range, default and help from its
 * key's row, and `weir-replay --speed 60x` is `weir-replay -o replay.speed=60x`. */
#ifndef WEIR_BASE_OPTIONS_H
#define WEIR_BASE_OPTIONS_H

#include "base/config.h"

/* A yes|no key makes an option without a value. A table ends with a row whose name is NULL. */
struct options_row {
    const char *name; /* "speed" for --speed */
    const char *key;  /* "replay.speed" */
};

struct options_spec {
    const char *name;               /* "weir-replay" */
    const char *purpose;            /* one line */
    const char *arguments;          /* for the usage line: "FILE"; NULL = takes none */
    const struct options_row *rows; /* NULL = no long options of its own */
    const struct config_part *parts;
    /* What the rows alone cannot say (size is a multiple of slide); part of -t. NULL = nothing. */
    bool (*check)(void *check_ctx, struct err *e);
    void *check_ctx;
};

/* options_read fills the parts (defaults, file, options in their order, secrets) and returns the index of the first
 * argument in argv, whose arguments are moved behind the options. Exits by itself for --help,
 * --version, -t (0) and on any error (78, one line on stderr). From then on the process leaves no core dump, which
 * might hold secrets (PR_SET_DUMPABLE 0). The caller owes config_free. */
int options_read(const struct options_spec *spec, int argc, char **argv);

/* options_fail ends the program as an error of the command line does: one line, exit with e's status. */
_Noreturn void options_fail(const char *name, const struct err *e);

#endif
