/* A model is a directory: manifest.json, and the files of its data and ids that this names. A blend
 * is its manifest alone; its parts are models beside it, and of the same ids.
 *
 * A model is replaced file by file, the manifest last: whoever opens it finds the old or the new one,
 * and who has it open keeps what he has. */
#ifndef WEIR_SERVICES_MODEL_H
#define WEIR_SERVICES_MODEL_H

#include "services/ids.h"
#include "services/kind.h"
#include "services/manifest_json.h"

enum {
    MODEL_NAME_BYTES = MANIFEST_JSON_NAME_BYTES,
    MODEL_VERSION_BYTES = MANIFEST_JSON_NAME_BYTES + 9
};

struct model {
    const struct kind *kind;
    struct manifest_json manifest;
    char version[MODEL_VERSION_BYTES]; /* the manifest's, with a hash of its parts' versions */
    struct ids ids;                    /* of the items; a blend's are those of its first part */
    struct ids users;                  /* of a kind that knows some */
    struct array_file data;            /* own */
    double parameters[KIND_PARAMETERS_MAX];
    struct model_part {
        struct model *model; /* own */
        double weight;
    } * parts; /* own */
    size_t parts_n;
};

/* model_kind finds a kind by its name; NULL = unknown. */
const struct kind *model_kind(const char *name);

/* model_open opens root/name after it has checked every byte of it: hashes, then structure. Any other
 * is refused. Freed by model_free. */
MUST_CHECK struct model *model_open(const char *root, const char *name, struct err *e);
void model_free(struct model *m); /* NULL is fine */

/* model_write makes or replaces root/name (and root, if it is missing): data, ids, kind, settings,
 * parts and validation are m's, hashes are filled in and version is begun with `newest`, a text of
 * digits that grows with the age of the log, so that versions are in order. */
MUST_CHECK bool model_write(struct model *m, const char *root, const char *name, const char *newest,
                            struct err *e);

/* model_set takes the parameters of the kind from the settings; NULL, or what is wrong. */
MUST_CHECK const char *model_set(struct model *m);

#endif
