/* A folder of the test's own below TMPDIR (or /tmp), removed with all in it. */
#ifndef TIDEMILL_TESTS_SUPPORT_SCRATCH_H
#define TIDEMILL_TESTS_SUPPORT_SCRATCH_H

#include "base/arena.h"

struct scratch {
    char *path;          /* of the folder, without a slash at its end */
    struct arena *arena; /* of the paths made by scratch_path */
};

/* Ends the test program when the folder cannot be made. */
struct scratch *scratch_open(void);
void scratch_close(struct scratch *scratch); /* NULL is allowed */

/* The path of `name` in the folder; lives as long as the scratch. */
const char *scratch_path(struct scratch *scratch, const char *name);
/* Writes text to a file in the folder, its folders made as needed; the path. */
const char *scratch_write(struct scratch *scratch, const char *name, const char *text);
/* The text of a file in the folder, NULL when it is not there. */
const char *scratch_read(struct scratch *scratch, const char *name);

#endif
