/* Where a model is, as people name it: ROOT/NAME, or NAME in the working directory. */
#ifndef WEIR_FIT_PLACE_H
#define WEIR_FIT_PLACE_H

struct place {
    char *root, *name; /* own */
};

/* place_of splits a path; its name need not be a good one (manifest_json_name). */
struct place place_of(const char *path);
void place_finish(struct place *p);

#endif
